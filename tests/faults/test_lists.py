"""Section C: lists of every format, and the settings of other products."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from keyhole.importers import Disposition
from tests.world.certificates import Authority
from tests.world.imported import Imported
from tests.world.imports import pihole_toml, rows, teleporter
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream

BLOCKED, ALLOWED = "blocked_by_rule", "forwarded"


def adguard(folder: Path, *lines: str) -> Imported:
    """The import of an AdGuard Home whose user rules are these lines."""
    file = folder / "AdGuardHome.yaml"
    file.write_text(
        json.dumps({"dns": {"upstream_dns": ["tls://9.9.9.9"]}, "user_rules": list(lines)})
    )
    return Imported("adguard", file)


def dnsmasq(folder: Path, *lines: str) -> Imported:
    """The import of a Pi-hole with these lines for dnsmasq."""
    toml = pihole_toml().replace("[misc]", f"[misc]\n  dnsmasq_lines = {json.dumps(lines)}")
    return Imported("pihole", teleporter(folder / "teleporter.zip", rows(), toml))


def names_in(found: Imported) -> str:
    """Everything that an import wrote."""
    return json.dumps([one["spec"] for one in found.documents])


LEFT = (
    ("a.example b.example", "the character ' '"),
    ("||a.example^ # why", "the character ' '"),
    ("@@127.0.0.1 a.example", "the character ' '"),
    ("0 a.example", "the character ' '"),
    (";a.example", "the character ';'"),
    ("[Adblock Plus 2.0]", "the character '['"),
    ("||a..example^", "an empty label"),
    ("||a.example:8080^", "matches URLs"),
    (r"/^https?:\/\/a\.example/", "the character ':'"),
    ("/^2001:db8:/", "the character ':'"),
    ("/a.example #/", "the character ' '"),
    ("-", "fewer than 3 characters"),
    (".", "fewer than 3 characters"),
    ("||a.example^$dnsrewrite=noerror", "neither a response code nor a name"),
    ("||a.example^$dnsrewrite=SERVFAIL", "response code SERVFAIL"),
    ("||a.example^$dnsrewrite=SERVFAIL;;", "response code SERVFAIL"),
    ("||a.example^$dnsrewrite=NXRRSET", "neither a response code nor a name"),
    ("||a.example^$dnsrewrite=NOERROR;A;b.example", "no address"),
    ("||a.example^$dnsrewrite=NOERROR;AAAA;192.0.2.1", "no address"),
    ("||a.example^$dnsrewrite=NOERROR;CNAME;192.0.2.1", "IP address"),
    ("||a.example^$dnsrewrite=NOERROR;A", "none or two"),
    ("||a.example^$dnsrewrite=NOERROR;TXT;words", "TXT"),
    ("||a.example^$dnsrewrite=", "no answer"),
    ("||a.example^$dnstype=A,dnsrewrite=192.0.2.1", "some types"),
    ("|192.0.2.1^", "addresses in answers"),
    ("||192.0.2.1^", "addresses in answers"),
    ("192.0.2.1", "addresses in answers"),
    ("|192.0.2.", "addresses in answers"),
    ("192.0.2.*", "addresses in answers"),
    ("||192.0.2.0/24^", "addresses in answers"),
    ("|2001:db8::1^", "addresses in answers"),
    ("|2001:db8:", "addresses in answers"),
    (r"/^192\.0\.2\./", "addresses in answers"),
    (r"/^192\.0\.2\.[0-9]+$/", "addresses in answers"),
    ("||a.example^$important=1", "has a value"),
    ("||a.example^$third-party", "third-party"),
    ("||a.example^$", "without a modifier"),
    ("||a.example^$important,", "important,"),
    ("||a.example^$dnstype=A,dnstype=AAAA", "twice"),
    ("||a.example^$dnstype=A,DNSREWRITE=192.0.2.1", "not a record type"),
    ("127.0.0.1 localhost", "the machine itself"),
    ("||a.example^$badfilter", "a line of a list"),
)


@pytest.mark.parametrize(("line", "why"), LEFT)
def test_an_adguard_rule_that_is_not_understood_is_left_with_its_reason(
    tmp_path: Path, line: str, why: str
) -> None:
    """C4: it becomes neither an alias, nor a rule that blocks more, less or nothing."""
    found = adguard(tmp_path, line, "||other.example^")
    item = found.item(line)
    assert item.disposition is Disposition.LEFT
    assert why in item.why
    assert found.specs("Record") == {}
    assert found.verdict("a.example") == ALLOWED
    assert found.verdict("other.example") == BLOCKED


@pytest.mark.parametrize(
    ("line", "blocked", "allowed"),
    [
        ("||a.example^$dnsrewrite=REFUSED", ["a.example", "x.a.example"], ["ba.example"]),
        ("||a.example^$dnsrewrite=NXDOMAIN;;", ["a.example"], ["ba.example"]),
        ("||a.example^$dnsrewrite=0.0.0.0", ["a.example"], ["ba.example"]),
        ("a.example^", ["x.a.example", "ba.example"], ["a.example.org"]),
        ("a.example#why", ["a.example"], ["x.a.example"]),
        ("a.example # why", ["a.example"], ["x.a.example"]),
        ("0.0.0.0 a.example ## why", ["a.example"], ["why", "x.a.example"]),
        ("||a.example^*", ["a.example", "x.a.example"], ["a.example.org"]),
        ("||a.example^$dnsrewrite=NOERROR", ["x.a.example"], ["ba.example"]),
        ("||a.example^$dnsrewrite=noerror;;", ["x.a.example"], ["ba.example"]),
        (r"/^(https?:\/\/)?a\.example$/", ["a.example"], ["x.a.example"]),
        ("||1.a.example^", ["1.a.example"], ["a.example"]),
        (r"/^[0-9]{5}\./", ["12345.example"], ["1234.example"]),
    ],
)
def test_an_adguard_rule_that_is_taken_means_the_names_that_it_meant(
    tmp_path: Path, line: str, blocked: Sequence[str], allowed: Sequence[str]
) -> None:
    found = adguard(tmp_path, line)
    assert found.item(line).disposition is Disposition.TAKEN
    assert [found.verdict(name) for name in blocked] == [BLOCKED] * len(blocked)
    assert [found.verdict(name) for name in allowed] == [ALLOWED] * len(allowed)


def test_an_adguard_rule_that_answers_without_data_keeps_its_answer_and_its_types(
    tmp_path: Path,
) -> None:
    """C4: neither an alias to a name, nor an answer that denies the other types."""
    found = adguard(
        tmp_path,
        "||a.example^$dnstype=AAAA,dnsrewrite=NOERROR",
        "||b.example^$dnsrewrite=NOERROR;;",
    )
    rules = [one for spec in found.specs("Policy").values() for one in spec.get("rules", ())]
    assert [(one.get("types"), one["answer"]) for one in rules] == [
        (["AAAA"], "nodata"),
        (None, "nodata"),
    ]
    assert found.verdict("a.example") == ALLOWED
    assert found.verdict("a.example", kind="AAAA") == found.verdict("b.example") == BLOCKED


@pytest.mark.parametrize("answer", ["NXDOMAIN", "noerror", "REFUSED"])
def test_a_rewrite_to_a_response_code_is_no_alias_to_a_name(tmp_path: Path, answer: str) -> None:
    """C4: in the table of rewrites as in rules."""
    file = tmp_path / "AdGuardHome.yaml"
    rewrites = [{"domain": "a.example", "answer": answer}, {"domain": "b.example", "answer": "c.x"}]
    file.write_text(json.dumps({"filters": [], "filtering": {"rewrites": rewrites}}))
    found = Imported("adguard", file)
    assert found.item(f"a.example {answer}").disposition is Disposition.LEFT
    assert [one["name"] for one in found.specs("Record").values()] == ["b.example"]


def test_badfilter_compares_what_rules_say_and_not_how(tmp_path: Path) -> None:
    lines = (
        "||a.example^$important,dnstype=A|AAAA",
        "||a.example^$dnstype=AAAA|A,badfilter,important",
    )
    found = adguard(tmp_path, *lines, "||a.example^$dnstype=TXT")
    assert [found.item(line).disposition for line in lines] == [Disposition.LEFT] * 2
    assert found.verdict("a.example") == ALLOWED
    assert found.verdict("a.example", kind="TXT") == BLOCKED


@pytest.mark.parametrize(
    ("block", "exception"),
    [
        ("||a.example^", "@@||ok.a.example^$dnstype=~A"),
        ("||a.example^", "@@||a.example^$client=~192.0.2.9"),
        ("||a.example^$important", "@@||a.example^$ctag=device_tv,important"),
        ("||a.example^$dnsrewrite=REFUSED", "@@||a.example^$dnsrewrite"),
    ],
)
def test_a_block_whose_exception_cannot_be_kept_is_left_too(
    tmp_path: Path, block: str, exception: str
) -> None:
    """C6: what was exempted is not blocked, and both lines are told."""
    found = adguard(tmp_path, block, exception, "||other.example^")
    assert found.item(exception).disposition is Disposition.LEFT
    assert f"its exception, {exception}, cannot be kept" in found.item(block).why
    assert found.verdict("ok.a.example") == ALLOWED
    assert found.verdict("other.example") == BLOCKED


def test_lines_of_dnsmasq_keep_their_answer_and_their_exceptions(tmp_path: Path) -> None:
    found = dnsmasq(
        tmp_path,
        "address=/ads.example/#  # why",
        "server=/ok.ads.example/#",
        "server=/plain.example/#",
        "local=/lan.example/",
        "txt-record=a.example,words",
        "address = /spaced.example/#",
        "server = /ok.spaced.example/#",
        "address=/.dotted.example/#",
        "filter-rr=AAAA,HTTPS",
        "bogus-priv",
    )
    assert found.verdict("x.dotted.example") == BLOCKED
    assert found.verdict("any.example", kind="HTTPS") == BLOCKED
    assert found.verdict("any.example") == ALLOWED
    assert found.item("bogus-priv").disposition is Disposition.TAKEN
    assert found.verdict("spaced.example") == BLOCKED
    assert found.verdict("ok.spaced.example") == ALLOWED
    assert found.verdict("x.ads.example") == BLOCKED
    assert '"answer": "null"' in names_in(found)
    assert found.verdict("ok.ads.example") == ALLOWED
    assert "wins over every list" in found.item("server=/ok.ads.example/#").why
    assert "there is none" in found.item("server=/plain.example/#").why
    assert "local data alone" in found.item("local=/lan.example/").why
    assert found.item("txt-record").kind == "record"


# --- one file, given twice ---------------------------------------------------------------------


def _record(folder: Path, name: str) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(
        json.dumps(document("Record", name, name=f"{name}.example.org", a=["192.0.2.7"]))
    )
    return file


@pytest.mark.parametrize("how", ["a file in it", "a link to it", "a way with .."])
def test_a_file_that_is_given_by_itself_and_with_its_folder_is_read_once(
    tmp_path: Path, how: str
) -> None:
    """C16: a document is no duplicate of itself."""
    folder = tmp_path / "documents"
    folder.mkdir()
    parts = (
        document(
            "Upstream",
            "test",
            protocol="dot",
            addresses=["192.0.2.1"],
            serverName="dns.example.org",
        ),
        document("Policy", "home", default="allow", upstreams=["test"]),
    )
    (folder / "all.yaml").write_text("\n---\n".join(map(json.dumps, parts)))
    file = _record(folder, "printer")
    (tmp_path / "link.yaml").symlink_to(file)
    given = {
        "a file in it": file,
        "a link to it": tmp_path / "link.yaml",
        "a way with ..": folder / ".." / "documents" / "printer.yaml",
    }[how]
    for arguments in ([folder, given], [given, folder], [folder, tmp_path / "documents" / "."]):
        done = call_keyhole("check", *map(str, arguments))
        assert done.returncode == 0, done.stdout + done.stderr
    _record(folder, "other")
    copy = tmp_path / "copy.yaml"
    copy.write_bytes(file.read_bytes())
    done = call_keyhole("check", str(folder), str(copy))
    assert done.returncode != 0
    assert "printer" in done.stdout + done.stderr


# --- lists -------------------------------------------------------------------------------------


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
        done = call_keyhole("explain", name, kind, "--data", str(self.folder), "--json")
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
        ("|192.0.2.1^", "matches addresses in answers"),
        ("||192.0.2.*^", "matches addresses in answers"),
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
