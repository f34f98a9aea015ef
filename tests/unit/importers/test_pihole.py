"""Pi-hole: imported items keep their meaning, and every item is reported."""

import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from keyhole.control.import_settings import import_file
from keyhole.importers import Disposition, ImporterError
from tests.world.imported import Imported
from tests.world.imports import (
    ALLOW,
    ALLOW_REGEX,
    DENY,
    DENY_REGEX,
    gravity,
    home,
    home_teleporter,
    legacy_teleporter,
    pihole_toml,
    reduced_gravity,
    rows,
    teleporter,
    zipped,
)

BLOCKED, ALLOWED = "blocked_by_rule", "forwarded"


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    return Imported("pihole", home_teleporter(tmp_path_factory.mktemp("pihole") / "teleporter.zip"))


def _tables(path: Path, **tables: Any) -> Imported:
    return Imported("pihole", gravity(path / "gravity.db", rows(**tables)))


def _settings(path: Path, **dns: Any) -> Imported:
    return Imported("pihole", teleporter(path / "t.zip", home(), pihole_toml(**dns)))


def test_every_row_of_every_table_is_told_of(household: Imported) -> None:
    told: Counter[str] = Counter(item.kind for item in household.done.report.items)
    tables = home()
    assert told["group"] == len(tables["group"])
    assert told["client"] == len(tables["client"])
    assert told["list"] == len(tables["adlist"])
    assert told["rule"] == len(tables["domainlist"]) + 1  # and iCloud Private Relay
    assert told["record"] == 80


def test_each_client_is_blocked_by_the_rules_of_its_groups(household: Imported) -> None:
    everybody, kids, iot, both, none = ("198.51.100.6", "198.51.100.1", "198.51.100.2",
                                        "198.51.100.3", "198.51.100.5")  # fmt: skip
    assert household.verdict("denied1.example.com") == BLOCKED
    assert household.verdict("denied1.example.com", everybody) == BLOCKED
    assert household.verdict("denied1.example.com", kids) == ALLOWED
    assert household.verdict("kids1x.example", kids) == BLOCKED
    assert household.verdict("kids1x.example", everybody) == ALLOWED
    assert household.verdict("denied16.example.com", iot) == BLOCKED
    assert household.verdict("denied16.example.com", everybody) == ALLOWED
    assert household.verdict("denied1.example.com", both) == BLOCKED
    assert household.verdict("denied16.example.com", both) == BLOCKED
    assert household.verdict("denied1.example.com", none) == ALLOWED


def test_expressions_block_what_they_blocked(household: Imported) -> None:
    for name in ("doubleclick.example", "a.doubleclick.example", "ad1.example.org",
                 "my-telemetry.example.org", "x.a-metrics.example.net", "x.casino.example",
                 "analytics.example.org"):  # fmt: skip
        assert household.verdict(name) == BLOCKED, name
    for name in ("notdoubleclick.example", "add.example.org", "a.x.casino.example",
                 "track7.example.org"):  # fmt: skip
        assert household.verdict(name) == ALLOWED, name


def test_options_of_expressions_are_types_and_answers(household: Imported) -> None:
    assert household.verdict("blocked-types.example", kind="AAAA") == BLOCKED
    assert household.verdict("blocked-types.example", kind="TXT") == ALLOWED
    rules = {
        str(match): rule
        for spec in household.specs("Policy").values()
        for rule in spec.get("rules", [])
        for match in rule.get("block", [])
    }
    assert rules["refused.example"]["answer"] == "refused"
    assert rules[r"/^sinkhole[0-9]\.example$/"]["answer"] == "192.0.2.99"
    assert rules["denied1.example.com"]["answer"] == "null"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("(?!good)", "look ahead"),
        (r"(a)\1", "backreference"),
        (";invert", "does not match"),
        ("denied24.example.com", "disabled"),
        ("/stale/", "disabled"),
        ("/forgotten/", "none of its groups is enabled"),
        ("Old", "disabled"),
        ("unknown-laptop", "does not look up"),
        (":eth1", "interface eth1"),
        ("00:00:5e:00:53:99", "hardware address"),
        ("true,10.1.0.0/16", "not encrypted"),
        ("127.0.0.1#5335", "not encrypted"),
        ("dhcp.active", "no DHCP server"),
        ("etc/hosts", "own hosts file"),
    ],
)
def test_what_is_left_says_why(household: Imported, name: str, why: str) -> None:
    item = household.item(name)
    assert item.disposition is Disposition.LEFT
    assert why in item.why


def test_a_client_known_by_its_hardware_address_or_name_gets_the_address_that_is_written_down(
    household: Imported,
) -> None:
    by_lease, by_name = household.item("00:00:5E:00:53:01"), household.item("nas.home.example")
    assert (by_lease.disposition, by_name.disposition) == (Disposition.CHANGED, Disposition.CHANGED)
    addresses = [spec["addresses"] for spec in household.specs("Client").values()]
    assert ["198.51.100.77"] in addresses
    assert ["10.1.3.1"] in addresses


def test_lists_keep_their_kind_url_and_groups(household: Imported) -> None:
    lists = household.specs("List")
    assert len(lists) == 10
    assert lists["lists.example.org-needed"] == {
        "kind": "allow", "urls": ["https://lists.example.org/needed/hosts.txt"]
    }  # fmt: skip
    policies = household.specs("Policy")
    assert "social-list" in policies["rules-kids"]["lists"]
    assert "social-list" not in policies["rules-default"]["lists"]
    assert "ads-list" in policies["rules-kids"]["lists"]
    assert "rules win" in household.item("allow lists against regex").why


def test_names_addresses_and_aliases_become_records(household: Imported) -> None:
    records = household.specs("Record")
    assert records["host1.home.example"] == {
        "name": "host1.home.example", "a": ["10.1.2.1"], "aaaa": ["2001:db8:9::1"]
    }  # fmt: skip
    assert records["nas"] == {"name": "nas", "a": ["10.1.3.1"]}
    assert records["xn-bcher-kva.example"]["a"] == ["10.1.3.2"]
    assert records["1.3.1.10.in-addr.arpa"]["ptr"] == "nas.home.example"
    assert records["files.home.example"] == {
        "name": "files.home.example", "ttl": "600", "cname": "nas.home.example"
    }  # fmt: skip


def test_an_encrypted_upstream_is_taken_and_suggestions_are_not_needed(household: Imported) -> None:
    assert list(household.specs("Upstream")) == ["dns.quad9.net"]
    assert not household.done.lacks_upstream


def test_without_an_encrypted_upstream_one_is_suggested_in_a_remark(tmp_path: Path) -> None:
    found = _settings(tmp_path, upstreams=["1.1.1.1", "8.8.8.8"])
    assert found.done.lacks_upstream
    assert found.specs("Upstream") == {}
    text = found.done.files["upstreams.yaml"]
    assert "# kind: Upstream" in text
    assert "cloudflare-dns.com" in text
    uncommented = "\n".join(
        line.removeprefix("# ") for line in text.splitlines() if not line.endswith((".", ":"))
        or line.startswith("# spec")
    )  # fmt: skip
    assert "serverName: dns.google" in uncommented


@pytest.mark.parametrize(
    ("blocking", "reply", "answer", "disposition"),
    [
        ({"mode": "NULL"}, {}, "null", Disposition.TAKEN),
        ({"mode": "NX"}, {}, "nxdomain", Disposition.TAKEN),
        ({"mode": "NODATA"}, {}, "nodata", Disposition.TAKEN),
        ({"mode": "IP"}, {}, "null", Disposition.CHANGED),
        ({"mode": "IP"}, {"force4": True, "IPv4": "192.0.2.80"}, "192.0.2.80", Disposition.CHANGED),
    ],
)
def test_the_blocking_mode_becomes_the_answer(
    tmp_path: Path,
    blocking: dict[str, Any],
    reply: dict[str, Any],
    answer: str,
    disposition: Disposition,
) -> None:
    found = _settings(tmp_path, blocking=blocking, **{"reply.blocking": reply})
    assert found.specs("Policy")["everybody-else"]["lists"]["answer"] == answer
    assert found.item("dns.blocking.mode").disposition is disposition


def test_blocking_that_was_off_only_observes(tmp_path: Path) -> None:
    found = _settings(tmp_path, blocking={"active": False})
    speaking = [s for s in found.specs("Policy").values() if s.get("subjects") != []]
    assert {spec["mode"] for spec in speaking} == {"observe"}
    assert found.verdict("denied1.example.com") == ALLOWED


def test_an_exact_allow_beats_a_deny_of_another_group(tmp_path: Path) -> None:
    found = _tables(
        tmp_path,
        group_=[{"id": 1, "enabled": 1, "name": "Work"}],
        domainlist=[
            {"id": 1, "type": DENY_REGEX, "domain": r"(\.|^)chat\.example$"},
            {"id": 2, "type": ALLOW, "domain": "work.chat.example"},
            {"id": 3, "type": ALLOW_REGEX, "domain": r"^team[0-9]+\.chat\.example$"},
        ],
        domainlist_by_group=[
            {"domainlist_id": 1, "group_id": 0},
            {"domainlist_id": 2, "group_id": 1},
            {"domainlist_id": 3, "group_id": 1},
        ],
        client=[{"id": 1, "ip": "198.51.100.9"}],
        client_by_group=[{"client_id": 1, "group_id": 0}, {"client_id": 1, "group_id": 1}],
    )
    assert found.verdict("work.chat.example") == BLOCKED
    assert found.verdict("work.chat.example", "198.51.100.9") == ALLOWED
    assert found.verdict("team7.chat.example", "198.51.100.9") == ALLOWED
    assert found.verdict("chat.example", "198.51.100.9") == BLOCKED


def test_rows_of_the_wrong_types_are_left_and_told(tmp_path: Path) -> None:
    found = _tables(
        tmp_path,
        domainlist=[
            {"id": 1, "type": DENY, "domain": b"\x00\xff"},
            {"id": 2, "type": 9, "domain": "a.example"},
            {"id": 3, "type": DENY, "domain": "two words.example"},
            {"id": 4, "type": DENY, "domain": "x" * 300},
            {"id": 5, "type": DENY, "domain": "good.example"},
        ],
        domainlist_by_group=[{"domainlist_id": n, "group_id": 0} for n in range(1, 6)],
        adlist=[
            {"id": 1, "address": "file:///etc/passwd"},
            {"id": 2, "address": "https://user:word@lists.example.org/x"},
            {"id": 3, "address": "javascript:alert(1)"},
            {"id": 4, "address": "https://lists.example.org/a b"},
        ],
        adlist_by_group=[{"adlist_id": n, "group_id": 0} for n in range(1, 5)],
    )
    assert [item.name for item in found.items(Disposition.TAKEN, "rule")] == ["good.example"]
    assert len(found.items(Disposition.LEFT, "rule")) == 4
    assert len(found.items(Disposition.LEFT, "list")) == 4
    assert found.specs("List") == {}


def test_hostile_comments_cannot_leave_their_remark(tmp_path: Path) -> None:
    evil = "x\nkind: Policy\n---\n\x1b[31m\u202e#"
    found = _tables(
        tmp_path,
        group_=[{"id": 1, "enabled": 1, "name": evil, "description": evil}],
        domainlist=[{"id": 1, "type": DENY, "domain": "a.example", "comment": evil}],
        domainlist_by_group=[{"domainlist_id": 1, "group_id": 0}],
        client=[{"id": 1, "ip": "198.51.100.1", "comment": evil}],
        client_by_group=[{"client_id": 1, "group_id": 1}],
    )
    assert len(found.specs("Policy")) == 3
    text = "".join(found.done.files.values())
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_gravity_db_with_a_million_names_of_lists_is_read_without_them(tmp_path: Path) -> None:
    file = gravity(tmp_path / "gravity.db", home(), names=1_000)
    found = Imported("pihole", file)
    assert len(found.items(Disposition.TAKEN, "rule")) == 141
    assert found.item("everything but gravity.db").disposition is Disposition.LEFT


def test_an_archive_of_version_5_gives_the_same(tmp_path: Path) -> None:
    file = legacy_teleporter(
        tmp_path / "teleporter.tar.gz",
        home(),
        {
            "setupVars.conf": "PIHOLE_DNS_1=8.8.8.8\nPIHOLE_DNS_2=8.8.4.4#53\n"
            "BLOCKING_ENABLED=true\nREV_SERVER=true\nREV_SERVER_CIDR=10.1.0.0/16\nREV_SERVER_TARGET=10.1.0.1\n",
            "pihole-FTL.conf": "BLOCKINGMODE=NXDOMAIN\nPRIVACYLEVEL=3\n",
            "custom.list": "10.1.3.1 nas.home.example\n",
            "dnsmasq.d/05-pihole-custom-cname.conf": "cname=files.home.example,nas.home.example\n",
            "dnsmasq.d/04-pihole-static-dhcp.conf": "dhcp-host=00:00:5e:00:53:01,198.51.100.77\n",
            "dnsmasq.d/99-mine.conf": "server=/lan/10.0.0.1\n",
        },
    )
    found = Imported("pihole", file)
    assert len(found.items(Disposition.TAKEN, "rule")) == 141
    assert found.verdict("kids1x.example", "198.51.100.1") == BLOCKED
    assert found.specs("Policy")["everybody-else"]["lists"]["answer"] == "nxdomain"
    assert found.specs("Policy")["everybody-else"]["log"] == "none"
    assert found.specs("Record")["files.home.example"]["cname"] == "nas.home.example"
    assert found.item("00:00:5E:00:53:01").disposition is Disposition.CHANGED
    assert found.item("99-mine.conf").disposition is Disposition.LEFT
    assert found.item("true,10.1.0.0/16").disposition is Disposition.LEFT


def test_lines_of_dnsmasq_become_records_and_rules(tmp_path: Path) -> None:
    toml = pihole_toml(hosts=["10.1.1.1 a.example"]).replace(
        "[misc]",
        '[misc]\n  dnsmasq_lines = ["address=/ads.example/", "address=/lab.example/10.0.0.9", '
        '"host-record=printer.example,pr.example,10.0.0.8,600", "server=/x.example/10.0.0.1", '
        '"dhcp-option=6,10.0.0.1"]',
    )
    found = Imported("pihole", teleporter(tmp_path / "t.zip", rows(), toml))
    assert found.verdict("www.ads.example") == BLOCKED
    records = found.specs("Record")
    assert records["all.lab.example"] == {"name": "*.lab.example", "a": ["10.0.0.9"]}
    assert records["pr.example"] == {"name": "pr.example", "ttl": "600", "a": ["10.0.0.8"]}
    assert found.item("server=/x.example").kind == "forwarding"
    assert found.item("dhcp-option").disposition is Disposition.LEFT


def test_records_that_contradict_each_other_are_kept_apart(tmp_path: Path) -> None:
    toml = pihole_toml(
        hosts=["10.1.1.1 a.example", "10.1.1.1 a.example", "not-an-address b.example", "10.1.1.2"],
        cnameRecords=["a.example,b.example", "c.example,d.example", "d.example,c.example",
                      "e.example,e.example", "alone"],
    )  # fmt: skip
    found = Imported("pihole", teleporter(tmp_path / "t.zip", rows(), toml))
    assert set(found.specs("Record")) == {"a.example", "1.1.1.10.in-addr.arpa", "c.example"}
    whys = [item.why for item in found.items(Disposition.LEFT, "record")]
    assert len(whys) == 6
    assert any("loop" in why for why in whys)
    assert any("RFC 1034" in why for why in whys)


@pytest.mark.parametrize(
    "octets", [b"", b"hello", b"PK\x03\x04", b"\x1f\x8bxx", b"SQLite format 3\0"]
)
def test_what_is_no_file_of_pi_hole_is_refused(tmp_path: Path, octets: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(octets)
    with pytest.raises(ImporterError):
        Imported("pihole", file)


def test_archives_of_something_else_are_told_so(tmp_path: Path) -> None:
    with pytest.raises(ImporterError, match="not a teleporter archive"):
        Imported("pihole", zipped(tmp_path / "x.zip", {"readme.txt": b"hello"}))
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz"):
        pass
    with pytest.raises(ImporterError, match="not a teleporter archive"):
        Imported("pihole", tmp_path / "x.tar.gz")


def test_a_rule_that_blocks_an_upstream_spares_that_name_alone(tmp_path: Path) -> None:
    tables = rows(
        domainlist=[
            {"id": 1, "type": DENY_REGEX, "domain": r"(\.|^)quad9\.net$"},
            {"id": 2, "type": DENY_REGEX, "domain": r"^dns[0-9]*\."},
        ],
        domainlist_by_group=[{"domainlist_id": n, "group_id": 0} for n in (1, 2)],
    )
    toml = pihole_toml(upstreams=["tls://dns.quad9.net"])
    found = Imported("pihole", teleporter(tmp_path / "t.zip", tables, toml))
    assert found.verdict("dns.quad9.net") == ALLOWED
    assert found.verdict("quad9.net") == BLOCKED
    assert found.verdict("x.dns.quad9.net") == BLOCKED
    assert found.item("dns.quad9.net").disposition is Disposition.CHANGED


@pytest.mark.parametrize(
    "text", ["fe80::1%eth0", "::ffff:192.0.2.1", "::ffff:0:0/96", "192.0.2.1/99", "٣.1.1.1", "²"]
)
def test_addresses_that_no_document_takes_are_left(tmp_path: Path, text: str) -> None:
    tables = rows(client=[{"id": 1, "ip": text}], client_by_group=[{"client_id": 1, "group_id": 0}])
    toml = pihole_toml(
        upstreams=["tls://9.9.9.9", f"tls://{text}"],
        hosts=[f"{text} a.example", "192.0.2.1 b.example"],
        cnameRecords=[f"c.example,b.example,{text}"],
        revServers=[text],
    )
    found = Imported("pihole", teleporter(tmp_path / "t.zip", tables, toml))
    assert found.items(Disposition.LEFT, "client")
    assert set(found.specs("Upstream")) >= {"dns.quad9.net"}
    assert "b.example" in found.specs("Record")


@pytest.mark.parametrize(
    "text",
    [
        r"^(.+[-_.])??adse?rv(er?|ice)?s?[0-9]*[-.]",
        r"^(.+[-_.])??m?ad[sxv]?[0-9]*[-_.]",
        r"^(.+[-_.])??xn--",
        r"^adim(age|g)s?[0-9]*[-_.]",
        r"^advert(s|is(ing|ements?))?[0-9]*[-_.]",
        r"^[a-z0-9]{32}\.[a-z]+$",
        r"^([a-z0-9]+\.)?(www[0-9]?\.)?x\.com$",
        r".*\.(cn|ru)$",
        r"(^|\.)(a|b)\.example$",
    ],
)
def test_expressions_of_the_kinds_that_people_share_are_taken(tmp_path: Path, text: str) -> None:
    found = _tables(
        tmp_path,
        domainlist=[{"id": 1, "type": DENY_REGEX, "domain": text}],
        domainlist_by_group=[{"domainlist_id": 1, "group_id": 0}],
    )
    assert found.item(text).disposition is Disposition.TAKEN


def test_a_setup_that_is_far_larger_than_a_home_is_read(tmp_path: Path) -> None:
    many = range(1, 1501)
    rules = [{"id": n, "type": DENY, "domain": f"d{n}.example", "comment": "x"} for n in many]
    clients = [{"id": n, "ip": f"10.{n // 250}.{n % 250}.1", "comment": "same"} for n in many]
    tables = rows(
        domainlist=rules,
        domainlist_by_group=[{"domainlist_id": n, "group_id": 0} for n in many],
        client=clients,
        client_by_group=[{"client_id": n, "group_id": 0} for n in many],
    )
    toml = pihole_toml(
        upstreams=["tls://9.9.9.9"], hosts=[f"10.9.{n // 250}.{n % 250} h{n}.example" for n in many]
    )
    done = import_file("pihole", teleporter(tmp_path / "t.zip", tables, toml), None)
    taken = {kind: counts["taken"] for kind, counts in done.report.counts().items()}
    assert (taken["rule"], taken["client"], taken["record"]) == (1501, 1500, 1500)


def test_the_folder_of_a_machine_is_read_as_its_archive_is(tmp_path: Path) -> None:
    """G5: with a database that is larger than in any archive, and no link followed."""
    tables = rows(domainlist=[{"id": 1, "type": 1, "domain": "ads.example"}],
                  domainlist_by_group=[{"domainlist_id": 1, "group_id": 0}])  # fmt: skip
    folder = tmp_path / "pihole"
    (folder / "listsCache").mkdir(parents=True)
    (folder / "pihole.toml").write_text(pihole_toml(upstreams=["tls://dns.quad9.net"]))
    (folder / "gravity.db").write_bytes(reduced_gravity(tables))
    (folder / "listsCache" / "list.1.domains").write_text("x.example\n")
    (folder / "passwd").symlink_to("/etc/passwd")
    done = Imported("pihole", folder)
    assert done.verdict("ads.example") == "blocked_by_rule"
    assert [one["serverName"] for one in done.specs("Upstream").values()] == ["dns.quad9.net"]
    for name, disposition in {
        "gravity.db": Disposition.TAKEN,
        "pihole.toml": Disposition.TAKEN,
        "listsCache/list.1.domains": Disposition.LEFT,
        "passwd": Disposition.LEFT,
    }.items():
        assert done.item(name).disposition is disposition, name


def test_the_settings_alone_are_read_and_what_is_missing_is_told(tmp_path: Path) -> None:
    """G5: under any name, as a page uploads them."""
    file = tmp_path / "upload"
    file.write_text(pihole_toml(upstreams=["tls://dns.quad9.net"]))
    done = Imported("pihole", file)
    assert [one["serverName"] for one in done.specs("Upstream").values()] == ["dns.quad9.net"]
    assert "gravity.db" in done.item("everything but pihole.toml").why
    file.write_text("nothing of Pi-hole\n")
    with pytest.raises(ImporterError, match="/etc/pihole"):
        Imported("pihole", file)
