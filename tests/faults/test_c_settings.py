"""Section C: rules in the settings of other products, and documents given twice (C4, C6, C16)."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from keyhole.importers import Disposition
from tests.world.imported import Imported
from tests.world.imports import pihole_toml, rows, teleporter
from tests.world.process import call_keyhole
from tests.world.resolver import document

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


@pytest.mark.parametrize("how", ["a file in it", "a link to it", "a hard link", "a way with .."])
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
    (folder / "second.yaml").hardlink_to(file)
    given = {
        "a file in it": file,
        "a link to it": tmp_path / "link.yaml",
        "a hard link": folder / "second.yaml",
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
