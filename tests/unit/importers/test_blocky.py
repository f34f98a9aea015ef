"""blocky: groups of lists with clients and schedules, and local records."""

from pathlib import Path

import pytest

from keyhole.importers import Disposition, ImporterError
from keyhole.importers.durations import seconds_of
from tests.world.imported import Imported

BLOCKED, ALLOWED = "blocked_by_rule", "forwarded"
# Monday, 30 November 2026, in UTC.
MONDAY_10, MONDAY_20 = 1_796_032_800, 1_796_068_800

_HOME = r"""
upstreams:
  groups:
    default: [https://dns.quad9.net/dns-query, 1.1.1.1, 'tcp-tls:dns.home.example:853']
    198.51.100.7: ['tcp-tls:192.0.2.7#dns.example.org']
bootstrapDns:
  - {upstream: 'tcp-tls:dns.home.example', ips: [192.0.2.99]}
blocking:
  denylists:
    ads:
      - https://lists.example.org/ads.txt
      - |
        # inline
        ads.example # with a remark
        *.tracker.example
        /^ad[0-9]+\./
        /^Never\./
        0.0.0.0 hosts.example
        192.0.2.66
    work:
      - https://lists.example.org/work.txt
      - |
        video.example
  allowlists:
    ads:
      - |
        good.tracker.example
    only:
      - |
        school.example
        *.lessons.example
    work: [https://lists.example.org/needed.txt]
  clientGroupsBlock:
    default: [ads]
    kid*: [only]
    198.51.100.0/24: [work]
    198.51.100.5: [ads]
    unknown-name: [ads]
    192.0.2.77: [missing]
  schedules:
    hours: {weekdays: [mon, tue], start: "08:00", end: "18:00"}
  listSchedules: {work: [hours]}
  loading: {refreshPeriod: 4h}
  blockType: nxDomain
customDNS:
  customTTL: 30m
  mapping: {printer.lan: "192.0.2.3,2001:db8::3"}
  zone: |
    $ORIGIN home.example.
    www 600 IN A 192.0.2.80
    alias IN CNAME www
    text IN TXT "hello" " world"
    mail IN MX 10 www
conditional: {mapping: {fritz.box: 192.0.2.1}}
clientLookup: {clients: {kid-tablet: [203.0.113.7], laptop: [203.0.113.8]}}
hostsFile: {sources: ["192.0.2.44 nas.lan\n192.0.2.45 other.lan\n", /etc/hosts]}
queryLog: {type: none}
caching: {minTime: 5m}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        return _import(tmp_path_factory.mktemp("blocky"), _HOME)


def _import(path: Path, text: str) -> Imported:
    (path / "config.yml").write_text(text)
    return Imported("blocky", path / "config.yml")


def test_inline_lists_become_rules(home: Imported) -> None:
    for name in ("ads.example", "tracker.example", "a.tracker.example", "ad7.example",
                 "hosts.example"):  # fmt: skip
        assert home.verdict(name) == BLOCKED, name
    for name in ("x.ads.example", "good.tracker.example", "never.example", "video.example"):
        assert home.verdict(name) == ALLOWED, name
    assert "answers with this address" in home.item("192.0.2.66").why


def test_who_lies_in_a_network_has_its_groups_as_well(home: Imported) -> None:
    assert home.verdict("ads.example", "198.51.100.9") == ALLOWED
    assert home.verdict("ads.example", "198.51.100.5") == BLOCKED
    assert home.verdict("video.example", "198.51.100.5", at=MONDAY_10) == BLOCKED


def test_rules_act_at_their_times_and_lists_always(home: Imported) -> None:
    assert home.verdict("video.example", "198.51.100.9", at=MONDAY_10) == BLOCKED
    assert home.verdict("video.example", "198.51.100.9", at=MONDAY_20) == ALLOWED
    assert "always blocks" in home.item("https://lists.example.org/work.txt").why
    assert home.item("https://lists.example.org/needed.txt").disposition is Disposition.LEFT
    assert "UTC" in home.item("hours for work").why


def test_lists_are_asked_for_again_as_often_as_they_were(home: Imported) -> None:
    assert {spec["refresh"] for spec in home.specs("List").values()} == {"4h"}


def test_a_group_that_only_allows_denies_the_rest(home: Imported) -> None:
    assert home.verdict("school.example", "203.0.113.7") == ALLOWED
    assert home.verdict("a.lessons.example", "203.0.113.7") == ALLOWED
    assert home.verdict("example.org", "203.0.113.7") == "denied_by_default"
    assert home.item("only").disposition is Disposition.CHANGED


def test_local_names_become_records(home: Imported) -> None:
    records = {spec["name"]: spec for spec in home.specs("Record").values()}
    assert records["printer.lan"] == {
        "name": "printer.lan", "ttl": "1800", "a": ["192.0.2.3"], "aaaa": ["2001:db8::3"]
    }  # fmt: skip
    assert records["*.printer.lan"]["a"] == ["192.0.2.3"]
    assert records["www.home.example"]["ttl"] == "600"
    assert records["alias.home.example"]["cname"] == "www.home.example"
    assert records["text.home.example"]["txt"] == ["hello world"]
    assert records["nas.lan"]["a"] == ["192.0.2.44"]
    assert home.item("mail.home.example").disposition is Disposition.LEFT
    assert home.item("hostsFile: /etc/hosts").disposition is Disposition.LEFT


def test_upstreams_are_encrypted_and_some_clients_have_their_own(home: Imported) -> None:
    upstreams = home.specs("Upstream")
    assert upstreams["dns.home.example"]["addresses"] == ["192.0.2.99"]
    assert home.item("1.1.1.1").disposition is Disposition.LEFT
    (special,) = (
        spec
        for spec in home.specs("Policy").values()
        if spec.get("upstreams") == ["dns.example.org"]
    )
    assert special["log"] == "none"


def test_whoever_is_known_by_a_name_alone_is_left(home: Imported) -> None:
    assert "does not look up names" in home.item("clientGroupsBlock: unknown-name").why
    assert "this group has no list" in home.item("192.0.2.77: missing").why


def test_the_older_names_of_keys_are_read_too(tmp_path: Path) -> None:
    found = _import(
        tmp_path,
        "upstream: {default: [tcp-tls:9.9.9.9]}\nblocking:\n"
        '  blackLists: {ads: ["a.example\\n"]}\n  whiteLists: {ads: ["b.a.example\\n"]}\n'
        "  clientGroupsBlock: {default: [ads]}\n  blockType: 192.0.2.1, 2001:db8::1\n",
    )
    assert found.verdict("a.example") == BLOCKED
    assert found.specs("Policy")["everybody-else"]["lists"]["answer"] == "192.0.2.1"


@pytest.mark.parametrize(
    "zone",
    ["$INCLUDE /etc/passwd", "$GENERATE 1-100000000 h$ A 192.0.2.1", "not a zone at all ("],
)
def test_a_zone_that_reaches_out_or_grows_is_left(tmp_path: Path, zone: str) -> None:
    found = _import(
        tmp_path,
        f"upstreams: {{groups: {{default: [tcp-tls:9.9.9.9]}}}}\ncustomDNS: {{zone: '{zone}'}}",
    )
    assert found.item(zone).disposition is Disposition.LEFT


@pytest.mark.parametrize("text", ["", "a: 1", "- x", "blocking: {"])
def test_what_is_no_file_of_blocky_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImporterError):
        _import(tmp_path, text)


def test_times_of_go_are_read() -> None:
    assert [seconds_of(text) for text in ("1h30m", "90s", "1.5h", "x", "", "1h ago")] == [
        5400, 90, 5400, None, None, None,
    ]  # fmt: skip
