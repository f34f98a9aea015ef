"""AdGuard Home: filter rules, rewrites, clients, and allowed and disallowed clients."""

from pathlib import Path
from typing import Any

import pytest

from keyhole.importers import Disposition, ImporterError
from keyhole.importers.adguard.rule import read_adblock_rule
from tests.world.expressions import core_matches
from tests.world.imported import Imported

BLOCKED, ALLOWED = "blocked_by_rule", "forwarded"

_HOME = r"""
http: {address: 0.0.0.0:3000}
users: [{name: admin, password: secret}]
dns:
  upstream_dns:
    - https://dns.quad9.net/dns-query
    - tls://192.0.2.53
    - '[/home.example/]10.0.0.1'
    - 8.8.8.8
    - '# a remark'
  fallback_dns: [tls://1.1.1.1]
  bootstrap_dns: [9.9.9.10]
  local_ptr_upstreams: [10.0.0.1]
  disallowed_clients: [198.51.100.66]
  blocked_hosts: [version.bind, id.server]
  anonymize_client_ip: true
  aaaa_disabled: true
filters:
  - {enabled: true, url: "https://lists.example.org/ads.txt", name: Ads, id: 1}
  - {enabled: false, url: "https://lists.example.org/off.txt", name: Off, id: 2}
  - {enabled: true, url: /opt/lists/own.txt, name: Own, id: 3}
whitelist_filters:
  - {enabled: true, url: "https://lists.example.org/needed.txt", name: Needed, id: 4}
user_rules:
  - '! a remark'
  - '||ads.example^'
  - '@@||good.ads.example^'
  - '||bad.example^$important'
  - '@@||bad.example^$important'
  - '/^track[0-9]+\./'
  - '||types.example^$dnstype=A|AAAA'
  - '||nottypes.example^$dnstype=~A'
  - '||games.example^$client=Console'
  - '||lan.example^$client=198.51.100.0/24'
  - '||nobody.example^$client=Ghost'
  - '||rewritten.example^$dnsrewrite=192.0.2.7'
  - '||gone.example^$dnsrewrite=REFUSED;;'
  - '||mail.example^$dnsrewrite=NOERROR;MX;10 mail.example'
  - '0.0.0.0 hosts.example www.hosts.example'
  - '192.0.2.9 nas.example'
  - 'example.org##.banner'
  - '||ads2.example^$denyallow=x.ads2.example'
  - '||back.example^'
  - '||back.example^$badfilter'
filtering:
  blocking_mode: nxdomain
  protection_enabled: true
  filtering_enabled: true
  parental_enabled: true
  safe_search: {enabled: true, google: true, bing: false, youtube: true}
  blocked_services:
    ids: [tiktok, epic_games, nowhere, No Name]
    schedule: {time_zone: Europe/Berlin, mon: {start: 9h, end: 17h}}
  rewrites:
    - {domain: router.home.example, answer: 10.0.0.1, enabled: true}
    - {domain: '*.apps.home.example', answer: 10.0.0.2, enabled: true}
    - {domain: www.home.example, answer: router.home.example}
    - {domain: off.home.example, answer: 10.0.0.3, enabled: false}
    - {domain: v6.home.example, answer: AAAA}
clients:
  persistent:
    - {name: Console, ids: [198.51.100.20, phone-1], use_global_settings: true}
    - {name: Server, ids: [198.51.100.21], use_global_settings: false, filtering_enabled: false,
       ignore_querylog: true, upstreams: [tls://9.9.9.10, '[/x/]10.0.0.1']}
    - {name: Lamp, ids: ['aa:bb:cc:dd:ee:ff'], tags: [device_other]}
querylog: {enabled: true}
dhcp: {enabled: true}
schema_version: 34
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    file = tmp_path_factory.mktemp("adguard") / "AdGuardHome.yaml"
    file.write_text(_HOME)
    return Imported("adguard", file)


def test_user_rules_decide_as_they_did(home: Imported) -> None:
    for name in ("ads.example", "x.ads.example", "track7.example.org", "www.hosts.example",
                 "bad.example", "gone.example"):  # fmt: skip
        assert home.verdict(name) == BLOCKED, name
    for name in ("good.ads.example", "a.good.ads.example", "notads.example", "atrack7.example.org",
                 "games.example"):  # fmt: skip
        assert home.verdict(name) == ALLOWED, name
    assert home.verdict("types.example", kind="AAAA") == BLOCKED
    assert home.verdict("types.example", kind="TXT") == ALLOWED


def test_rules_for_some_clients_are_for_them_alone(home: Imported) -> None:
    assert home.verdict("games.example", "198.51.100.20") == BLOCKED
    assert home.verdict("games.example", token="phone-1") == BLOCKED
    assert home.verdict("ads.example", "198.51.100.20") == BLOCKED
    assert home.verdict("lan.example", "198.51.100.99") == BLOCKED
    assert home.verdict("lan.example") == ALLOWED
    assert "the client Ghost, which does not exist" in home.item("||nobody.example").why


def test_a_client_that_is_not_filtered_gets_everything_from_its_own_upstream(
    home: Imported,
) -> None:
    assert home.verdict("ads.example", "198.51.100.21") == ALLOWED
    policy = home.specs("Policy")["unfiltered"]
    assert policy["log"] == "none"
    assert [home.specs("Upstream")[name]["addresses"] for name in policy["upstreams"]] == [
        ["9.9.9.10"]
    ]


def test_who_was_disallowed_is_refused(home: Imported) -> None:
    assert home.verdict("example.org", "198.51.100.66") == "denied_by_default"
    assert home.verdict("version.bind") == BLOCKED


def test_a_network_that_is_disallowed_beats_a_client_in_it(tmp_path: Path) -> None:
    found = _import(
        tmp_path,
        "dns: {upstream_dns: [tls://9.9.9.9], disallowed_clients: [203.0.113.0/24]}\n"
        "clients: {persistent: [{name: In, ids: [203.0.113.7]}]}",
    )
    assert found.verdict("example.org", "203.0.113.7") == "denied_by_default"


def test_a_rule_for_a_client_lets_nobody_in_who_is_not_allowed(tmp_path: Path) -> None:
    found = _import(
        tmp_path,
        "dns: {upstream_dns: [tls://9.9.9.9], allowed_clients: [198.51.100.0/24]}\n"
        "user_rules: ['||ads.example^$client=203.0.113.9']",
    )
    assert found.verdict("example.org", "203.0.113.9") == "denied_by_default"


def test_only_encrypted_upstreams_for_all_names_are_taken(home: Imported) -> None:
    names = [spec["serverName"] for spec in home.specs("Upstream").values()]
    assert names == ["dns.quad9.net", "192.0.2.53", "cloudflare-dns.com", "dns10.quad9.net"]
    assert home.item("[/home.example/]").kind == "forwarding"
    assert "not encrypted" in home.item("8.8.8.8").why


def test_rewrites_become_records(home: Imported) -> None:
    records = {spec["name"]: spec for spec in home.specs("Record").values()}
    assert records["router.home.example"]["a"] == ["10.0.0.1"]
    assert records["*.apps.home.example"]["a"] == ["10.0.0.2"]
    assert records["www.home.example"]["cname"] == "router.home.example"
    assert records["rewritten.example"]["a"] == ["192.0.2.7"]
    assert records["*.rewritten.example"]["a"] == ["192.0.2.7"]
    assert records["nas.example"]["a"] == ["192.0.2.9"]
    assert "off.home.example" not in records
    assert home.item("v6.home.example").disposition is Disposition.LEFT


def test_safe_search_and_services_are_taken_for_those_who_had_them(home: Imported) -> None:
    policies = home.specs("Policy")
    everybody = policies["everybody-else"]
    assert everybody["safeSearch"] == ["google"]
    assert everybody["youtube"] == "moderate"
    assert everybody["services"] == ["tiktok", "epicgames"]
    assert all(
        one["services"] == everybody["services"]
        for one in policies.values()
        if one.get("subjects") and one["default"] == "allow"
    )
    server = next(one for one in policies.values() if one.get("log") == "none")
    assert server["subjects"] == ["group:unfiltered"]
    assert "safeSearch" not in server, "its own settings have none"
    assert home.verdict("www.tiktok.com") == BLOCKED
    assert everybody["lists"]["names"] == ["service-nowhere"]
    assert home.specs("List")["service-nowhere"]["services"] == ["nowhere"]
    assert home.item("blocked service epic_games").disposition is Disposition.CHANGED
    assert home.item("safe search").why == "by Keyhole's own table: google, YouTube"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("||nottypes.example^$dnstype=~A", "all types but A"),
        ("example.org##.banner", "parts of web pages"),
        ("||ads2.example", "exempts some names"),
        ("||back.example^", "neither is needed"),
        ("||mail.example", "A, AAAA, CNAME"),
        ("blocked service No Name", "no name of a service"),
        ("blocked services", "unblocks these services at times"),
        ("parental control", "own service"),
        ("Lamp: aa:bb:cc:dd:ee:ff", "hardware address"),
        ("/opt/lists/own.txt", "file on that machine"),
        ("dhcp.enabled", "no DHCP server"),
    ],
)
def test_what_is_left_says_why(home: Imported, name: str, why: str) -> None:
    item = home.item(name)
    assert item.disposition is Disposition.LEFT
    assert why in item.why


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("@@||bad.example^$important", "important block rule wins over it"),
        ("Console", "keyhole token create phone-1"),
        ("dns.anonymize_client_ip", "log: anonymous"),
        ("allow lists and exceptions", "every rule wins over every list"),
    ],
)
def test_what_changed_says_how(home: Imported, name: str, why: str) -> None:
    item = home.item(name)
    assert item.disposition is Disposition.CHANGED
    assert why in item.why


def test_who_is_not_allowed_is_refused_where_only_some_are(tmp_path: Path) -> None:
    found = _import(
        tmp_path,
        "dns: {upstream_dns: [tls://9.9.9.9], allowed_clients: [198.51.100.0/24, tv]}\n"
        "clients: {persistent: [{name: In, ids: [198.51.100.1]}, {name: Out, ids: [203.0.113.1]}]}",
    )
    assert found.verdict("example.org", "198.51.100.7") == ALLOWED
    assert found.verdict("example.org", "198.51.100.1") == ALLOWED
    assert found.verdict("example.org", token="tv") == ALLOWED
    assert found.verdict("example.org", "203.0.113.1") == "denied_by_default"
    assert found.verdict("example.org", "192.0.2.1") != ALLOWED


@pytest.mark.parametrize(
    ("hours", "refresh", "disposition"),
    [
        ("12", "12h", Disposition.TAKEN),
        ("0", None, Disposition.CHANGED),
        ("9999", "30d", Disposition.CHANGED),
    ],
)
def test_lists_are_asked_for_again_as_often_as_they_were(
    tmp_path: Path, hours: str, refresh: str | None, disposition: Disposition
) -> None:
    found = _import(
        tmp_path,
        "dns: {upstream_dns: [tls://9.9.9.9]}\n"
        f"filtering: {{filters_update_interval: {hours}}}\n"
        "filters: [{enabled: true, name: Ads, url: 'https://lists.example.org/a.txt#part'}]",
    )
    (spec,) = found.specs("List").values()
    assert spec["urls"] == ["https://lists.example.org/a.txt"]
    assert spec.get("refresh") == refresh
    assert found.item("filters_update_interval").disposition is disposition


def test_the_older_places_of_settings_are_read_too(tmp_path: Path) -> None:
    found = _import(
        tmp_path,
        "dns:\n  upstream_dns: [tls://9.9.9.9]\n  blocking_mode: custom_ip\n"
        "  blocking_ipv4: 192.0.2.80\n  rewrites: [{domain: a.example, answer: 192.0.2.1}]\n"
        "clients: [{name: TV, ids: [192.0.2.5]}]\n",
    )
    assert found.specs("Policy")["everybody-else"]["lists"]["answer"] == "192.0.2.80"
    assert "a.example" in found.specs("Record")
    assert "tv" in found.specs("Client")


def _import(path: Path, text: str) -> Imported:
    (path / "AdGuardHome.yaml").write_text(text)
    return Imported("adguard", path / "AdGuardHome.yaml")


@pytest.mark.parametrize("text", ["", "a: 1", "- x", "dns: [", "dns: &a [*a, *a]"])
def test_what_is_no_file_of_adguard_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImporterError):
        _import(tmp_path, text)


@pytest.mark.parametrize(
    ("rule", "meant", "spared"),
    [
        ("||a.example^", ["a.example", "x.a.example"], ["ba.example", "a.example.org"]),
        ("||*.a.example^", ["x.a.example"], ["a.example"]),
        ("|a.example^", ["a.example"], ["x.a.example", "a.example.org"]),
        ("a.example", ["a.example"], ["x.a.example"]),
        ("||a.exam", ["a.example", "x.a.exam.org"], ["ba.example"]),
        ("|ads", ["ads.example", "adsx.org"], ["xads.org"]),
        ("ads*.example^", ["ads7.example", "x.ads.example"], ["ads.example.org"]),
        ("-ads-", ["x-ads-y.example"], ["ads.example"]),
        ("/^ad[0-9]/", ["ad7.example"], ["xad7.example"]),
        ("/Ads$/", ["x.ads"], ["ads.x"]),
    ],
)
def test_a_pattern_means_the_names_that_it_meant(
    rule: str, meant: list[str], spared: list[str]
) -> None:
    read = read_adblock_rule(rule)
    assert read is not None
    assert core_matches(read.matches, meant + spared) == [True] * len(meant) + [False] * len(spared)


@pytest.mark.parametrize(
    "rule", ["*", "||^", "|", "||example.org^path", "http://a.example/x", "@@"]
)
def test_a_pattern_about_more_than_names_is_left(rule: str) -> None:
    with pytest.raises(ValueError, match=r"every name|matches URLs|modifier"):
        read_adblock_rule(rule)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("||a.example^$client='Mary\\'s tablet'|192.0.2.1", ("Mary's tablet", "192.0.2.1")),
        ("/a$b/$client=x", ("x",)),
        ("/a$b/", ()),
    ],
)
def test_modifiers_are_told_from_patterns(rule: str, expected: Any) -> None:
    read = read_adblock_rule(rule)
    assert read is not None
    assert read.clients == expected


def test_a_client_that_may_ask_for_everything_still_may(tmp_path: Path) -> None:
    """G5: ``@@||*^$client=X``; an important block wins there and here."""
    file = tmp_path / "AdGuardHome.yaml"
    file.write_text("filters: []\nuser_rules: ['||ads.example^', '||bad.example^$important', "
                    "'@@||*^$client=192.0.2.7', '@@||*^']\n")  # fmt: skip
    done = Imported("adguard", file)
    assert done.item("@@||*^$client=192.0.2.7").disposition is Disposition.TAKEN
    assert done.item("@@||*^").disposition is Disposition.LEFT
    assert done.verdict("ads.example", "192.0.2.7") == ALLOWED
    assert done.verdict("ads.example", "192.0.2.8") == BLOCKED
    assert done.verdict("bad.example", "192.0.2.7") == BLOCKED
