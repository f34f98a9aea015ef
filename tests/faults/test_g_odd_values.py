"""Section G, row G1: nothing that stands in a settings file ends an import."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyhole.control.import_settings import ImportResult, import_file
from keyhole.importers import READERS, Disposition
from keyhole.importers.json_text import parse_json
from keyhole.importers.product_settings import LocalRecord, NameRule, Setup
from keyhole.importers.report import Report
from keyhole.importers.toml import parse_toml
from tests.world.archives import members, packed, read_all
from tests.world.imported import Imported
from tests.world.imports import home, pihole_toml, reduced_gravity, rows, teleporter, zipped
from tests.world.peer_files import (
    ODD,
    PRODUCTS,
    odd_keys,
    old_pihole,
    paths,
    put,
    whole,
    write_file,
)
from tests.world.process import call_keyhole


def _written(result: ImportResult, kind: str) -> list[dict[str, Any]]:
    every = (one for text in result.files.values() for one in yaml.safe_load_all(text))
    return [one["spec"] for one in every if one and one["kind"] == kind]


def test_an_odd_name_costs_its_own_item_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text(
        "upstreams: {groups: {default: ['tcp-tls:dns.quad9.net']}}\n"
        "customDNS:\n"
        "  mapping:\n"
        "    '*.x.lan': 192.0.2.9\n"
        "    'in valid.lan': 192.0.2.9\n"
        "    '*.*.y.lan': 192.0.2.9\n"
        "    nas.lan: 192.0.2.7\n"
    )
    out = tmp_path / "out"
    done = call_keyhole("import", "blocky", str(file), "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left record in valid.lan 192.0.2.9 (line 5)" in done.stdout
    report = json.loads((out / "import.json").read_text())
    fates = {one["name"]: (one["fate"], one["line"]) for one in report["items"]
             if one["kind"] == "record"}  # fmt: skip
    assert fates == {
        "*.x.lan 192.0.2.9": ("changed", 4),
        "in valid.lan 192.0.2.9": ("left", 5),
        "*.*.y.lan 192.0.2.9": ("left", 6),
        "nas.lan 192.0.2.7": ("taken", 7),
    }
    assert call_keyhole("check", str(out)).returncode == 0
    names = {one["name"] for one in yaml.safe_load_all((out / "records.yaml").read_text())
             for one in [one["spec"]]}  # fmt: skip
    assert names == {"*.x.lan", "nas.lan", "*.nas.lan"}


ZONE = """$ORIGIN lan.
@ SOA ns host (
  1 2 3 ; numbers (
  4 5 )
nas 300 IN A 192.0.2.1
bad IN A 1.2.3
  IN A 192.0.2.2
..x IN A 192.0.2.3
  IN A 192.0.2.4
$INCLUDE /etc/passwd
open TXT (
$TTL 5m
*.w TXT "a ( b"
$ORIGIN sub
tv CNAME nas.lan.
"""


def test_a_record_of_a_zone_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    """G1: each with its own line; a name that cannot be read is not replaced by another one."""
    file = tmp_path / "config.yml"
    settings = {"customDNS": {"zone": ZONE}}
    file.write_text(yaml.safe_dump(settings, default_style="|", sort_keys=False))
    start = [line.strip() for line in file.read_text().splitlines()].index("$ORIGIN lan.") + 1
    done = Imported("blocky", file)
    items = [one for one in done.done.report.items if one.kind == "record"]
    told = {(one.place.line - start if one.place else None): one for one in items}
    taken = {line for line, one in told.items() if one.disposition is Disposition.TAKEN}
    assert (taken, set(told) - taken) == ({4, 6, 12, 14}, {1, 5, 7, 8, 9, 10})
    assert "repeats the name of a record that cannot be read" in told[8].why
    records = {one["name"]: one for one in done.specs("Record").values()}
    assert records == {
        "nas.lan": {"name": "nas.lan", "ttl": "300", "a": ["192.0.2.1"]},
        "bad.lan": {"name": "bad.lan", "ttl": "3600", "a": ["192.0.2.2"]},
        "*.w.lan": {"name": "*.w.lan", "ttl": "300", "txt": ["a ( b"]},
        "tv.sub.lan": {"name": "tv.sub.lan", "ttl": "300", "cname": "nas.lan"},
    }


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_value_ends_an_import_wherever_it_stands(tmp_path: Path, product: str) -> None:
    """Each place gets one of the odd values; together the places get them all."""
    value = whole(product)
    places = list(paths(value))
    for number, odd in enumerate(ODD):
        for at in places[number :: len(ODD)]:
            read_all(product, write_file(tmp_path, product, put(value, at, odd), rows()))


def test_an_alias_that_repeats_itself_or_too_much_costs_itself_alone(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    lines = ["customDNS: &d", "  mapping: {nas.lan: 192.0.2.7}", "  more: *d", "a: &a [x, x, x, x]"]
    lines += [f"b{n}: &{'bcdefghijklm'[n]} [{', '.join(['*' + 'abcdefghijkl'[n]] * 4)}]"
              for n in range(12)]  # fmt: skip
    file.write_text("\n".join([*lines, "blockTTL: 7m", ""]))
    done = Imported("blocky", file)
    assert done.specs("Record")["nas.lan"]["a"] == ["192.0.2.7"]
    told = [one for one in done.items(Disposition.LEFT) if "cannot be read" in one.why]
    assert [one.place and one.place.line for one in told] == [3, 13]


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_name_of_a_key_ends_anread_all(tmp_path: Path, product: str) -> None:
    value = whole(product)
    for odd in (one for one in ODD if isinstance(one, str)):
        result = read_all(product, write_file(tmp_path, product, odd_keys(value, odd), rows()))
        assert any(item.disposition is not Disposition.LEFT for item in result.report.items)


@pytest.mark.parametrize("odd", [one for one in ODD if isinstance(one, str | float)])
def test_no_row_of_a_database_ends_anread_all(tmp_path: Path, odd: object) -> None:
    tables = {
        table: [*some, dict.fromkeys((key for key in some[0] if key != "id"), odd)]
        for table, some in home().items()
    }
    octets = reduced_gravity(tables)
    file = zipped(tmp_path / "x.zip", {"etc/pihole/gravity.db": octets})
    assert read_all("pihole", file).report.items


def test_an_expression_too_large_by_itself_or_with_others_is_left(tmp_path: Path) -> None:
    rules = [f"/(a{{1000}}){{1000}}{number}/" for number in range(250)]
    done = read_all("adguard", _adguard(tmp_path, ["||ads.example^", *rules]))
    left = [item for item in done.report.items if item.disposition is Disposition.LEFT]
    assert {item.name for item in left} >= set(rules)
    assert "ads.example" in done.files["policies.yaml"]


def _adguard(folder: Path, rules: list[str], **more: Any) -> Path:
    file = folder / "AdGuardHome.yaml"
    settings = {"dns": {"upstream_dns": ["tls://dns.quad9.net"]}, "user_rules": rules, **more}
    file.write_text(json.dumps(settings))
    return file


def test_a_client_in_a_hundred_groups_keeps_them_all(tmp_path: Path) -> None:
    groups = [{"id": number, "enabled": 1, "name": f"g{number}"} for number in range(1, 101)]
    tables = rows(
        group_=groups,
        domainlist=[{"id": n, "type": 1, "domain": f"d{n}.example"} for n in range(1, 101)],
        domainlist_by_group=[{"domainlist_id": n, "group_id": n} for n in range(1, 101)],
        client=[{"id": 1, "ip": "192.0.2.30"}],
        client_by_group=[{"client_id": 1, "group_id": n} for n in range(1, 101)],
    )
    octets = reduced_gravity(tables)
    done = Imported("pihole", zipped(tmp_path / "x.zip", {"etc/pihole/gravity.db": octets}))
    for number in (1, 50, 100):
        assert done.verdict(f"d{number}.example", "192.0.2.30") == "blocked_by_rule"


def test_what_keyhole_refuses_is_left_and_the_rest_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An importer that takes too much: the documents are checked before they are written."""

    reader = READERS["adguard"]

    def read(file: Path, report: Report) -> Setup:
        setup = reader(file, report)
        setup.records.append(LocalRecord("bad name.example", "a", "192.0.2.1", title="bad"))
        setup.records.append(LocalRecord("good.example", "a", "192.0.2.2", title="good"))
        rules = setup.bundles["filters"].rules
        rules.append(NameRule(("not a name", "fine.example"), title="odd rule"))
        setup.served_subjects = ("nonsense",)
        return setup

    monkeypatch.setitem(READERS, "adguard", read)
    done = import_file("adguard", _adguard(tmp_path, ["||ads.example^"]), tmp_path / "out")
    items = {item.name: item for item in done.report.items}
    assert items["bad"].disposition is Disposition.LEFT
    assert items["good"].disposition is Disposition.TAKEN
    assert [one["name"] for one in _written(done, "Record")] == ["good.example"]
    policies = _written(done, "Policy")
    assert any("fine.example" in str(one) for one in policies)
    assert not any("not a name" in str(one) for one in policies)
    # What names whom to serve is never widened: without its only subject the policy serves nobody.
    assert all(one["subjects"] == [] for one in policies)
    assert call_keyhole("check", str(tmp_path / "out")).returncode == 0


def test_a_member_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    file = teleporter(tmp_path / "x.zip", rows(), pihole_toml(upstreams=["tls://dns.quad9.net"]))
    link = zipfile.ZipInfo("etc/pihole/link.toml")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(file, "a") as made:
        made.writestr(link, "/etc/shadow")
        made.writestr("../outside", "x")
    octets = bytearray(file.read_bytes())
    at = octets.find(b"etc/pihole/gravity.db") + len("etc/pihole/gravity.db") + 4
    octets[at : at + 20] = bytes(20)  # the packed database
    file.write_bytes(octets)
    done = read_all("pihole", file)
    left = {item.name: item.why for item in done.report.items
            if item.disposition is Disposition.LEFT}  # fmt: skip
    assert "damaged" in left["etc/pihole/gravity.db"]
    assert "not a regular file" in left["'etc/pihole/link.toml'"]
    assert "unsafe" in left["'../outside'"]
    assert _written(done, "Upstream")


def test_a_table_of_pi_hole_5_that_is_no_table_costs_no_other(tmp_path: Path) -> None:
    file = old_pihole(tmp_path / "old.tar.gz")
    for broken in (b"{", b"{}", b'["x", 5, null]', b"\xff", b"[" * 5000):
        broken_one = members(file) | {"adlist.json": broken}
        done = read_all("pihole", packed(tmp_path / "new.tar.gz", broken_one))
        places = [item.place.file for item in done.report.items
                  if item.place and item.disposition is Disposition.LEFT]  # fmt: skip
        assert "adlist.json" in places
        assert _written(done, "Client")


def test_where_nothing_is_taken_the_report_says_why(tmp_path: Path) -> None:
    file = tmp_path / "AdGuardHome.yaml"
    file.write_text("dns: {bogus_nxdomain: [192.0.2.1]}\nuser_rules: ['||^']\n")
    reader = READERS["adguard"]

    def only_left(file: Path, report: Report) -> Setup:
        setup = reader(file, report)
        report.items = [one for one in report.items if one.disposition is Disposition.LEFT]
        return setup

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(READERS, "adguard", only_left)
        out = str(tmp_path / "out")
        done = call_keyhole("import", "adguard", str(file), "--out", out)
        as_json = call_keyhole("import", "adguard", str(file), "--out", out, "--json")
    assert done.returncode == as_json.returncode == 1
    assert "dns.bogus_nxdomain (line 1)" in done.stdout
    assert "could be taken" in done.stderr
    assert len(json.loads(as_json.stdout)["items"]) == 2
    assert not (tmp_path / "out").exists()


_DEEP = 80


def _deep_yaml(form: str) -> str:
    if form == "in brackets":
        return "deep: " + "[" * _DEEP + "]" * _DEEP + "\n"
    return "".join("  " * level + "deep:\n" for level in range(_DEEP)) + "  " * _DEEP + "end: 1\n"


@pytest.mark.parametrize("form", ["in brackets", "in lines"])
def test_a_value_that_is_nested_too_deeply_costs_itself_alone(tmp_path: Path, form: str) -> None:
    """G1: in YAML."""
    file = tmp_path / "config.yml"
    file.write_text(
        _deep_yaml(form) + "upstreams: {groups: {default: ['tcp-tls:dns.quad9.net']}}\n"
        "customDNS: {mapping: {nas.lan: 192.0.2.7}}\n"
    )
    done = Imported("blocky", file)
    assert "nas.lan" in {one["name"] for one in done.specs("Record").values()}
    assert any("nested deeper" in one.why for one in done.done.report.items)


def test_a_value_of_toml_or_json_that_is_nested_too_deeply_costs_itself_alone() -> None:
    """G1: in the other formats."""
    report = Report()
    text = f"deep = {'[' * _DEEP}{']' * _DEEP}\nkept = 1\n"
    assert parse_toml(text.encode(), "pihole.toml", report).value["kept"] == 1
    text = json.dumps({"kept": 1}).replace("}", f', "deep": {"[" * _DEEP}{"]" * _DEEP}}}')
    assert parse_json(text.encode(), "config.json", report).value["kept"] == 1
    assert sum("nested deeper" in one.why for one in report.items) == 2


@pytest.mark.parametrize("rest", ["\0", "\n// why\n", '\n{"groups": 1}', "]"])
def test_what_stands_behind_the_end_of_json_costs_itself_alone(tmp_path: Path, rest: str) -> None:
    """G1: as YAML and TOML, whose other lines are read."""
    app = "apps/Advanced Blocking/dnsApp.config"
    settings = json.dumps({"groups": [], "blockingAnswerTtl": 42}, indent=1) + rest
    done = Imported("technitium", zipped(tmp_path / "x.zip", {app: settings.encode()}))
    assert done.item("blockingAnswerTtl").disposition is not Disposition.LEFT
    behind = [one for one in done.items(Disposition.LEFT) if "behind the end" in one.why]
    assert [one.place.line for one in behind if one.place] == [4 + rest.startswith("\n")]

    rows = json.dumps([{"domain": "ads.example", "enabled": 1, "id": 1}]) + rest
    old = members(old_pihole(tmp_path / "old.tar.gz")) | {"blacklist.exact.json": rows.encode()}
    pihole = Imported("pihole", packed(tmp_path / "new.tar.gz", old))
    assert pihole.item("ads.example").disposition is not Disposition.LEFT
