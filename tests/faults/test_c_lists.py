"""Section C: lists of every format (C5 to C11)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.world.certificates import Authority
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream


def compiled(folder: Path, text: str, form: str = "auto") -> dict[str, Any]:
    """The report of ``keyhole lists compile`` about one list."""
    file = folder / "list.txt"
    file.write_text(text)
    done = call_keyhole("lists", "compile", str(file), "--format", form, "--json")
    report: dict[str, Any] = json.loads(done.stdout)["lists"][0]
    return report


class Listed:
    """A data folder whose policy uses these lists."""

    def __init__(self, folder: Path, *lists: str, kind: str = "block") -> None:
        self.folder = folder
        documents = folder / "documents"
        documents.mkdir()
        settings = {"role": "resolver", "documents": "documents", "listen": {"udp": []}}
        (folder / "keyhole.yaml").write_text(json.dumps(settings))
        names = [f"list-{number}" for number in range(len(lists))]
        parts = [
            document(
                "Upstream",
                "test",
                protocol="dot",
                addresses=["192.0.2.1"],
                serverName="dns.example.org",
            ),
            document("Policy", "home", default="allow", lists=names),
        ]
        for name, text in zip(names, lists, strict=True):
            (documents / f"{name}.txt").write_text(text)
            parts.append(document("List", name, kind=kind, files=[f"{name}.txt"]))
        for part in parts:
            file = documents / f"{part['kind']}-{part['metadata']['name']}.yaml"
            file.write_text(json.dumps(part))

    def explain(self, name: str, kind: str = "A") -> dict[str, Any]:
        """What ``keyhole explain`` says."""
        done = call_keyhole(
            "explain", name, kind, "--data", str(self.folder), "--no-lookup", "--json"
        )
        assert done.returncode in (0, 1), done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def blocks(self, *names: str) -> list[str]:
        """Which of the names are blocked."""
        return [name for name in names if self.explain(name)["outcome"] == "blocked"]


WHOLE_TLDS = {
    "adblock": "||zip^\n||*.mov^\n*$denyallow=com|net\n",
    "wildcard": "*.zip\n*.mov\n",
    "rpz": "$TTL 60\n*.zip CNAME .\nmov CNAME .\n*.mov CNAME .\n",
    "dnsmasq": "address=/zip/#\nlocal=/mov/\n",
    "unbound": 'local-zone: "zip." always_nxdomain\nlocal-zone: "mov" static\n',
    "hosts": "0.0.0.0 zip\n0.0.0.0 mov\n",
    "domains": "zip\nmov\n",
}


@pytest.mark.parametrize("form", WHOLE_TLDS)
def test_names_of_one_label_are_taken_in_every_format(tmp_path: Path, form: str) -> None:
    """C5: nothing of a list of top-level domains is lost."""
    for chosen in ("auto", form):
        report = compiled(tmp_path, WHOLE_TLDS[form], chosen)
        assert report["skipped"]["count"] == 0, report
        assert report["taken"] >= 2


def test_a_list_of_top_level_domains_blocks_what_is_below_them(tmp_path: Path) -> None:
    listed = Listed(tmp_path, WHOLE_TLDS["rpz"], "||link^$denyallow=good.link\n")
    names = ("a.zip", "b.mov", "x.link", "www.good.link", "zip.example")
    assert listed.blocks(*names) == ["a.zip", "b.mov", "x.link"]


def test_a_list_that_loses_more_than_a_tenth_says_so(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("".join(f"||n{n}.example^\n" for n in range(17)) + "x.org##.ad\n" * 3)
    done = call_keyhole("lists", "compile", str(file))
    assert "3 of 20 entries are left out, 3 of them for this: hides parts of pages" in done.stdout
    file.write_text("".join(f"||n{n}.example^\n" for n in range(18)) + "x.org##.ad\n" * 2)
    assert "are left out" not in call_keyhole("lists", "compile", str(file)).stdout
    file.write_text("127.0.0.1 localhost\n::1 localhost\n0.0.0.0 ads.example\n")
    assert "are left out" not in call_keyhole("lists", "compile", str(file)).stdout


def test_status_and_the_lists_say_what_is_lost(
    tmp_path: Path, authority: Authority, shared_upstream: Upstream
) -> None:
    resolver = Resolver(tmp_path / "data", authority)
    (resolver.documents / "pages.txt").write_text("||ads.example^\nexample.org##.banner\n")
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("List", "pages", files=["pages.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["pages"]),
    )
    try:
        resolver.start()
        (one,) = resolver.api("GET", "/lists").json()["items"]
        assert one["lost"].startswith("1 of 2 entries are left out")
        (known,) = resolver.api("GET", "/status").json()["lists"]
        assert known == {"name": "pages", "why": one["lost"]}
        for command in (("status",), ("lists", "status")):
            assert "1 of 2 entries are left out" in resolver.command(*command).stdout
    finally:
        resolver.stop()


EXCEPTIONS = {
    "badfilter": (
        "||bad.example^\n||bad.example^$badfilter\n||other.example^\n",
        ["x.other.example"],
    ),
    "rpz": ("*.open CNAME rpz-passthru.\nbad.open CNAME .\nx.example CNAME .\n", ["bad.open"]),
    "dnsmasq": ("address=/a.example/#\nserver=/ok.a.example/#\n", ["a.example"]),
    "dnsmasq, real address": (
        "address=/a.example/\naddress=/ok.a.example/192.0.2.7\n",
        ["a.example"],
    ),
    "unbound": (
        'local-zone: "a.example" static\nlocal-zone: "ok.a.example" transparent\n',
        ["a.example"],
    ),
    "unbound, tags": (
        'local-data: "bad.example A 0.0.0.0"\nlocal-zone: "a.example" static\n'
        'local-zone-tag: "a.example" "kids"\nlocal-data: "x.ok.a.example A 0.0.0.0"\n',
        ["bad.example"],
    ),
    "unbound, a zone for all below one with tags": (
        'local-data: "x.ok.a.example A 0.0.0.0"\nlocal-data: "a.example A 0.0.0.0"\n'
        'local-zone: "a.example" static\nlocal-zone: "ok.a.example" transparent\n'
        'local-zone-tag: "a.example" "kids"\n',
        ["x.ok.a.example"],
    ),
    "unbound, for some clients": (
        'local-zone: "bad.example" static\nlocal-zone: "a.example" static\n'
        'local-zone-override: "a.example" 192.0.2.0/24 transparent\n',
        ["bad.example"],
    ),
    "rpz, counted from the origin": (
        "$ORIGIN rpz.test.\n*.open CNAME .\n$ORIGIN .\nok.open.rpz.test CNAME rpz-passthru\n",
        ["bad.open"],
    ),
    "for a client": ("||a.example^\n@@||ok.a.example^$client=tv\n", ["a.example"]),
    "from rewrites": (
        "||a.example^$dnsrewrite=REFUSED\n@@||ok.a.example^$dnsrewrite\n",
        ["a.example"],
    ),
}


@pytest.mark.parametrize("form", EXCEPTIONS)
def test_an_exception_of_a_list_is_honored(tmp_path: Path, form: str) -> None:
    """C6: what a list exempts is not blocked; where a format says so, the longer name wins."""
    text, blocked = EXCEPTIONS[form]
    names = ["bad.example", "x.other.example", "bad.open", "ok.open", "a.example", "x.ok.a.example"]
    assert Listed(tmp_path, text).blocks(*names) == blocked


def test_a_list_of_ones_own_takes_a_line_of_another_list_back(tmp_path: Path) -> None:
    listed = Listed(tmp_path, "||a.example^\n||b.example^\n", "||a.example^$badfilter\n")
    assert listed.blocks("a.example", "b.example") == ["b.example"]


def test_an_exception_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    report = compiled(tmp_path, "||a.example^\n@@||a.example^$client=tv\n")
    assert report["skipped"]["by_reason"] == {
        "an exception for some clients: what it exempts is blocked for none": 1
    }


MIXED = """! title
# another
0.0.0.0 hosts.example www.hosts.example#why
plain.example # why
||rule.example^
@@||ok.rule.example^
*.star.example
address=/masq.example/#
local-zone: "bound.example" always_nxdomain
zone.example CNAME .
/^expression[0-9]/
; the end
"""


def test_each_line_of_a_list_has_its_own_form(tmp_path: Path) -> None:
    """C7, C8: a file that mixes forms loses nothing, and comments are what their manuals say."""
    listed = Listed(tmp_path, MIXED)
    blocked = [
        "hosts.example", "www.hosts.example", "plain.example", "x.rule.example", "x.star.example",
        "x.masq.example", "bound.example", "zone.example", "expression1.example",
    ]  # fmt: skip
    assert listed.blocks(*blocked, "ok.rule.example", "x.plain.example") == blocked
    assert compiled(tmp_path, MIXED)["skipped"]["count"] == 0


@pytest.mark.parametrize(
    ("form", "line", "name"),
    [
        ("hosts", "0.0.0.0 ads2.example.org#why", "ads2.example.org"),
        ("domains", "ads2.example.org#why", "ads2.example.org"),
        ("adblock", "#||x.example^", ""),
        ("dnsmasq", "address=/ads2.example.org/#\t# why", "ads2.example.org"),
        ("unbound", 'local-data: "ads2.example.org A 0.0.0.0"#why', "ads2.example.org"),
        ("rpz", "ads2.example.org CNAME .;why", "ads2.example.org"),
        ("hosts", "0.0.0.0 ads2.example.org ; why it is here", "ads2.example.org"),
        ("hosts", "! a title", ""),
        ("domains", "// a title", ""),
        ("domains", "ads2.example.org // why", "ads2.example.org"),
        ("wildcard", "*.ads2.example.org;why", "ads2.example.org"),
        ("adblock", "||ads2.example.org^\t# why", "ads2.example.org"),
        ("adblock", "||ads2.example.org^$important#why", "ads2.example.org"),
        ("adblock", "/^ads2[0-9]/ # why", "ads2.example.org"),
    ],
)
def test_a_comment_is_what_the_manual_of_the_format_says(
    tmp_path: Path, form: str, line: str, name: str
) -> None:
    for chosen in ("auto", form):
        report = compiled(tmp_path, f"{line}\n", chosen)
        assert (report["taken"], report["skipped"]["count"]) == (int(bool(name)), 0), report


def test_rewrites_that_withhold_an_answer_block(tmp_path: Path) -> None:
    """C9: taken where they mean a block."""
    values = ("NXDOMAIN", "REFUSED", "0.0.0.0", "::", "NOERROR", "NXDOMAIN;;", "NOERROR;A;0.0.0.0")
    text = "".join(f"||n{n}.example^$dnsrewrite={value}\n" for n, value in enumerate(values))
    assert compiled(tmp_path, text)["skipped"]["count"] == 0
    names = [f"x.n{n}.example" for n in range(len(values))]
    assert Listed(tmp_path, text).blocks(*names, "n.example") == names


def test_a_rule_for_all_names_but_some_blocks_the_others(tmp_path: Path) -> None:
    listed = Listed(tmp_path, "*$denyallow=example|org\n")
    assert listed.blocks("a.example", "b.org", "c.net") == ["c.net"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("192.0.2.*", "matches parts of addresses in answers"),
        ("||192.0.2.0/24^", "matches parts of addresses in answers"),
        ("24.0.2.0.192.rpz-client-ip CNAME .", "reacts to servers or clients"),
        ("||x.example^$dnsrewrite=192.0.2.1", "gives another answer"),
        ("||x.example^$dnstype=A,dnsrewrite=b.example", "gives another answer"),
        ("||a*^", "fewer than three fixed characters"),
        ("*", "would match nearly every name"),
        ("||x.example^$third-party", "only a browser or another program"),
    ],
)
def test_the_reason_for_a_line_that_is_left_out_is_true(
    tmp_path: Path, line: str, reason: str
) -> None:
    report = compiled(tmp_path, f"||ads.example^\n{line}\n")
    (found,) = report["skipped"]["by_reason"]
    assert reason in found


# --- names of every script, and names that the wire may carry ------------------------------------


def test_a_name_of_any_script_is_found_however_it_is_written(tmp_path: Path) -> None:
    """C10: lists and people mean the same name."""
    listed = Listed(
        tmp_path, "bücher.example\n||उदाहरण.example^\nstraße.example\n0.0.0.0 \uff41ds.example\n"
    )
    names = ("BÜCHER.example", "bu\u0308cher.example", "www.उदाहरण.example", "straße.example",
             "xn--bcher-kva.example", "ads.example")  # fmt: skip
    assert listed.blocks(*names) == list(names)
    done = call_keyhole("explain", "bücher.example", "--data", str(tmp_path))
    assert "xn--bcher-kva.example (bücher.example) A" in done.stdout


def test_search_log_and_decisions_take_names_of_any_script_and_any_octet(
    tmp_path: Path, authority: Authority, shared_upstream: Upstream
) -> None:
    """C10, C11: commands take what the wire carries."""
    resolver = Resolver(tmp_path / "data", authority)
    (resolver.documents / "own.txt").write_text("bücher.example\n-dash.example.org\n")
    rules = [{"block": ["-rule.example.org", "\\*.star.example.org", "_under.example.org"]}]
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("List", "own", files=["own.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["own"], rules=rules),
    )

    def code(name: str) -> str:
        return resolver.server.ask(name, "A", "tcp").rcode

    try:
        resolver.start()
        blocked = ("xn--bcher-kva.example", "-dash.example.org", "-rule.example.org",
                   "\\*.star.example.org", "_under.example.org")  # fmt: skip
        assert [code(name) for name in blocked] == ["NXDOMAIN"] * len(blocked)
        assert code("x.star.example.org") == "NOERROR"
        for name in ("bücher.example", "-dash.example.org"):
            assert resolver.command("lists", "search", name).returncode == 0, name
            assert resolver.command("allow", name).returncode == 0, name
        resolver.wait_for(lambda: code("xn--bcher-kva.example") == "NOERROR", "it is allowed")
        for name in ("bücher.example", "\\*.star.example.org"):
            resolver.wait_for(
                lambda name=name: "blocked" in resolver.command("log", "--name", name).stdout,
                f"the log has {name}",
            )
    finally:
        resolver.stop()
