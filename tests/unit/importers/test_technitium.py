"""Technitium: binary settings and lists, and the app Advanced Blocking."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.importers import Disposition, ImporterError
from keyhole.importers.technitium.settings import read_dns_settings
from tests.world.imported import Imported
from tests.world.imports import (
    technitium_lists,
    technitium_names,
    technitium_settings,
    zipped,
)

BLOCKED, ALLOWED = "blocked_by_rule", "forwarded"

_APP: dict[str, Any] = {
    "enableBlocking": True,
    "localEndPointGroupMap": {"127.0.0.1": "kids"},
    "networkGroupMap": {
        "198.51.100.20": "kids",
        "203.0.113.0/24": "free",
        "192.0.2.200": "missing",
        "0.0.0.0/0": "everyone",
        "[::]/0": "everyone",
    },
    "groups": [
        {
            "name": "everyone",
            "blockAsNxDomain": True,
            "blocked": ["app.example"],
            "blockedRegex": [r"^ads[0-9]*\.", r"^(?!x)y"],
            "allowed": ["good.app.example"],
            "blockListUrls": ["https://lists.example.org/app.txt"],
            "regexBlockListUrls": ["https://lists.example.org/regex.txt"],
        },
        {
            "name": "kids",
            "blockingAddresses": ["192.0.2.80"],
            "blocked": ["games.example"],
            "blockListUrls": [
                {"url": "https://lists.example.org/kids.txt", "blockAsNxDomain": True}
            ],
        },
        {"name": "free", "enableBlocking": False, "blocked": ["app.example"]},
    ],
}


def _entries(**changes: bytes) -> dict[str, bytes]:
    return {
        "dns.config": technitium_settings(
            forwarders=[
                (3, "https://dns.quad9.net/dns-query (9.9.9.9)"),
                (2, "dns.home.example:853 (192.0.2.53:853)"),
                (2, "192.0.2.54"),
                (0, "8.8.8.8"),
                (5, "dns.quad9.net"),
            ],
            bypass=["198.51.100.99/32"],
            proxy="127.0.0.1",
        ),
        "blocklist.config": technitium_lists(
            ["# remark", "https://lists.example.org/ads.txt", "!https://lists.example.org/ok.txt",
             "file:///etc/passwd"]
        ),
        "blocked.config": technitium_names("BZ", ["blocked.example", "bad name"]),
        "allowed.config": technitium_names("AZ", ["fine.blocked.example"]),
        "apps/Advanced Blocking/dnsApp.config": json.dumps(_APP).encode(),
        "apps/Split Horizon/dnsApp.config": b"{}",
        "zones/home.example.zone": b"DZ\x04",
        "auth.config": b"AS",
        "logs/2026-11-01.log": b"x",
        **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    file = zipped(tmp_path_factory.mktemp("technitium") / "backup.zip", _entries())
    return Imported("technitium", file)


def test_names_are_blocked_with_all_below_them(backup: Imported) -> None:
    assert backup.verdict("blocked.example") == BLOCKED
    assert backup.verdict("x.blocked.example") == BLOCKED
    assert backup.verdict("x.fine.blocked.example") == ALLOWED
    assert backup.verdict("unblocked.example") == ALLOWED


def test_groups_of_the_app_count_for_their_networks(backup: Imported) -> None:
    assert backup.verdict("app.example") == BLOCKED
    assert backup.verdict("ads7.example") == BLOCKED
    assert backup.verdict("x.good.app.example") == ALLOWED
    assert backup.verdict("games.example") == ALLOWED
    assert backup.verdict("games.example", "198.51.100.20") == BLOCKED
    assert backup.verdict("blocked.example", "198.51.100.20") == BLOCKED
    assert backup.verdict("app.example", "203.0.113.5") == ALLOWED
    assert backup.verdict("blocked.example", "198.51.100.99") == ALLOWED


def test_groups_answer_as_they_did(backup: Imported) -> None:
    policies = backup.specs("Policy")
    assert policies["everybody-else"]["lists"]["answer"] == "nxdomain"
    assert policies["blocking-and-kids"]["lists"]["answer"] == "192.0.2.80"


def test_forwarders_over_tls_and_https_are_taken_with_their_addresses(backup: Imported) -> None:
    upstreams = backup.specs("Upstream")
    assert upstreams["dns.quad9.net"] == {
        "protocol": "doh", "addresses": ["9.9.9.9"], "serverName": "dns.quad9.net"
    }  # fmt: skip
    assert upstreams["dns.home.example"]["addresses"] == ["192.0.2.53"]
    assert upstreams["192.0.2.54"]["protocol"] == "dot"
    assert len(upstreams) == 3
    left = [item.why for item in backup.items(Disposition.LEFT, "upstream")]
    assert len(left) == 2
    assert "not encrypted" in left[0]
    assert "QUIC" in left[1]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("zone home.example", "not documented"),
        ("apps/Split Horizon/dnsApp.config", "no apps"),
        ("auth.config", "users of Technitium"),
        ("listener 127.0.0.1", "depend on the listener"),
        ("blocked regex ^(?!x)y", "look ahead"),
        ("https://lists.example.org/regex.txt", "lists of expressions"),
        ("192.0.2.200", "no group missing"),
        ("blocked bad name", "space"),
        ("file:///etc/passwd", "file on that machine"),
        ("proxy", "directly"),
    ],
)
def test_what_is_left_says_why(backup: Imported, name: str, why: str) -> None:
    item = backup.item(name)
    assert item.disposition is Disposition.LEFT
    assert why in item.why


def test_lists_mean_less_than_they_did_and_that_is_told(backup: Imported) -> None:
    assert "that name alone" in backup.item("names below a name on a list").why
    assert {spec["kind"] for spec in backup.specs("List").values()} == {"block", "allow"}
    assert backup.specs("List")["lists.example.org-ads.txt"]["refresh"] == "1d"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_settings_of_each_known_version_are_read(version: int) -> None:
    octets = technitium_settings(
        version=version, kind=2, addresses=["192.0.2.1", "2001:db8::1"],
        forwarders=[(2, "9.9.9.9")], blocks=False,
    )  # fmt: skip
    settings = read_dns_settings(octets)
    assert settings.addresses == ["192.0.2.1", "2001:db8::1"]
    assert settings.forwarders == [("tls", "9.9.9.9")]
    assert not settings.blocks


def test_settings_of_another_version_are_left_and_the_rest_is_taken(tmp_path: Path) -> None:
    entries = _entries(**{"dns.config": b"DC\x09" + bytes(400)})
    found = Imported("technitium", zipped(tmp_path / "backup.zip", entries))
    assert "version 9" in found.item("dns.config").why
    assert found.verdict("blocked.example") == BLOCKED
    assert found.done.lacks_upstream


def test_blocking_that_was_off_only_observes(tmp_path: Path) -> None:
    octets = technitium_settings(blocks=False, kind=1, forwarders=[(2, "9.9.9.9")])
    file = zipped(tmp_path / "backup.zip", _entries(**{"dns.config": octets}))
    found = Imported("technitium", file)
    assert found.verdict("blocked.example") == ALLOWED


@given(st.binary(max_size=400), st.integers(0, 400))
def test_settings_of_any_octets_are_read_or_refused(octets: bytes, at: int) -> None:
    whole = technitium_settings(forwarders=[(2, "9.9.9.9")])
    for some in (b"DC\x03" + octets, whole[:at] + octets[:3] + whole[at + 3 :]):
        try:
            read_dns_settings(some)
        except ValueError:
            continue


@pytest.mark.parametrize("name", ["readme.txt", "logs/x.log"])
def test_an_archive_of_something_else_is_told_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImporterError, match="make a backup"):
        Imported("technitium", zipped(tmp_path / "x.zip", {name: b""}))


def test_names_that_are_announced_and_not_there_are_left(tmp_path: Path) -> None:
    entries = _entries(**{"blocked.config": b"BZ\x01\xff\xff\xff\x7f"})
    found = Imported("technitium", zipped(tmp_path / "x.zip", entries))
    assert "at most" in found.item("blocked.config").why
