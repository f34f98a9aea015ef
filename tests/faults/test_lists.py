"""Section C: lists of every format, and the settings of other products."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from keyhole.importers import Disposition
from tests.world.imported import Imported
from tests.world.imports import pihole_toml, rows, teleporter

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
    ("||a.example^$dnstype=AAAA,dnsrewrite=NOERROR", "empty answer"),
    ("||a.example^$dnsrewrite=NOERROR", "empty answer"),
    ("||a.example^$dnsrewrite=noerror", "neither a response code nor a name"),
    ("||a.example^$dnsrewrite=SERVFAIL", "response code SERVFAIL"),
    ("||a.example^$dnsrewrite=SERVFAIL;;", "response code SERVFAIL"),
    ("||a.example^$dnsrewrite=NOERROR;;", "empty answer"),
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


def test_badfilter_compares_what_rules_say_and_not_how(tmp_path: Path) -> None:
    lines = (
        "||a.example^$important,dnstype=A|AAAA",
        "||a.example^$dnstype=AAAA|A,badfilter,important",
    )
    found = adguard(tmp_path, *lines, "||a.example^$dnstype=TXT")
    assert [found.item(line).disposition for line in lines] == [Disposition.LEFT] * 2
    assert found.verdict("a.example") == ALLOWED
    assert found.verdict("a.example", kind="TXT") == BLOCKED


def test_lines_of_dnsmasq_keep_their_answer_and_their_exceptions(tmp_path: Path) -> None:
    found = dnsmasq(
        tmp_path,
        "address=/ads.example/#  # why",
        "server=/ok.ads.example/#",
        "server=/plain.example/#",
        "local=/lan.example/",
        "txt-record=a.example,words",
    )
    assert found.verdict("x.ads.example") == BLOCKED
    assert '"answer": "null"' in names_in(found)
    assert found.verdict("ok.ads.example") == ALLOWED
    assert "wins over every list" in found.item("server=/ok.ads.example/#").why
    assert "there is none" in found.item("server=/plain.example/#").why
    assert "local data alone" in found.item("local=/lan.example/").why
    assert found.item("txt-record").kind == "record"
