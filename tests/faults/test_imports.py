"""Imports: nothing in a settings file ends one, and every key of it is accounted for."""

import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyhole.control.import_settings import ImportResult, NothingTakenError, import_file
from keyhole.importers import READERS, Disposition, Item
from keyhole.importers.product_settings import LocalRecord, NameRule, Setup
from keyhole.importers.report import Report
from tests.world.imported import Imported
from tests.world.imports import home, pihole_toml, reduced_gravity, rows, teleporter, zipped
from tests.world.peer_files import (
    FOLDER,
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


def _import(product: str, file: Path) -> ImportResult:
    """The result; a file of which nothing can be taken counts as read, too."""
    try:
        return import_file(product, file, None)
    except NothingTakenError as error:
        return ImportResult(product, error.report, {}, lacks_upstream=True)


def _written(result: ImportResult, kind: str) -> list[dict[str, Any]]:
    every = (one for text in result.files.values() for one in yaml.safe_load_all(text))
    return [one["spec"] for one in every if one and one["kind"] == kind]


# G1: nothing that stands in a settings file ends an import.


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
            _import(product, write_file(tmp_path, product, put(value, at, odd), rows()))


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_name_of_a_key_ends_an_import(tmp_path: Path, product: str) -> None:
    value = whole(product)
    for odd in (one for one in ODD if isinstance(one, str)):
        result = _import(product, write_file(tmp_path, product, odd_keys(value, odd), rows()))
        assert any(item.disposition is not Disposition.LEFT for item in result.report.items)


@pytest.mark.parametrize("odd", [one for one in ODD if isinstance(one, str | float)])
def test_no_row_of_a_database_ends_an_import(tmp_path: Path, odd: object) -> None:
    tables = {
        table: [*some, dict.fromkeys((key for key in some[0] if key != "id"), odd)]
        for table, some in home().items()
    }
    octets = reduced_gravity(tables)
    file = zipped(tmp_path / "x.zip", {"etc/pihole/gravity.db": octets})
    assert _import("pihole", file).report.items


def test_an_expression_too_large_by_itself_or_with_others_is_left(tmp_path: Path) -> None:
    rules = [f"/(a{{1000}}){{1000}}{number}/" for number in range(250)]
    done = _import("adguard", _adguard(tmp_path, ["||ads.example^", *rules]))
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
    done = _import("pihole", file)
    left = {item.name: item.why for item in done.report.items
            if item.disposition is Disposition.LEFT}  # fmt: skip
    assert "damaged" in left["etc/pihole/gravity.db"]
    assert "not a regular file" in left["'etc/pihole/link.toml'"]
    assert "unsafe" in left["'../outside'"]
    assert _written(done, "Upstream")


def test_a_table_of_pi_hole_5_that_is_no_table_costs_no_other(tmp_path: Path) -> None:
    file = old_pihole(tmp_path / "old.tar.gz")
    for broken in (b"{", b"{}", b'["x", 5, null]', b"\xff", b"[" * 5000):
        members = _members(file) | {"adlist.json": broken}
        done = _import("pihole", _packed(tmp_path / "new.tar.gz", members))
        places = [item.place.file for item in done.report.items
                  if item.place and item.disposition is Disposition.LEFT]  # fmt: skip
        assert "adlist.json" in places
        assert _written(done, "Client")


def _members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as opened:
        return {one.name: opened.extractfile(one).read() for one in opened}  # type: ignore[union-attr]


def _packed(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name, octets in members.items():
            (path.parent / "member").write_bytes(octets)
            made.add(path.parent / "member", name)
    return path


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


# G2: every key and member of the input is accounted for.


def _accounted(items: list[Item], file: str) -> set[str]:
    return {item.place.path for item in items if item.place and item.place.file == file}


def _dotted(path: tuple[str | int, ...]) -> str:
    text = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
    return text.removeprefix(".")


def _leaves(value: Any) -> dict[tuple[str | int, ...], Any]:
    """Every value that holds no other; comments in lists are none."""
    found: dict[tuple[str | int, ...], Any] = {}
    for path in paths(value):
        inner = value
        for step in path:
            inner = inner[step]
        is_comment = isinstance(inner, str) and isinstance(path[-1], int) and inner[:1] in "#!"
        if not (isinstance(inner, dict | list) and inner) and not is_comment:
            found[path] = inner
    return found


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_key_of_a_whole_file_has_an_item(tmp_path: Path, product: str) -> None:
    text = (FOLDER / PRODUCTS[product]).read_text()
    file = tmp_path / PRODUCTS[product]
    name = "apps/Advanced Blocking/dnsApp.config" if product == "technitium" else file.name
    if product == "pihole":
        file = teleporter(tmp_path / "teleporter.zip", home(), text)
    elif product == "technitium":
        file = zipped(tmp_path / "backup.zip", {name: text.encode()})
    else:
        file.write_text(text)
    report = import_file(product, file, None).report
    accounted = _accounted(report.items, name)
    missing = []
    for path in _leaves(whole(product)):
        around = [_dotted(path[:length]) for length in range(1, len(path) + 1)]
        if not accounted & set(around):
            missing.append(around[-1])
    assert missing == []
    assert sum(sum(some.values()) for some in report.counts().values()) == len(report.items)
    # A key that the importer never looked at is told by name, not only with what is around it.
    unknown = [item.name for item in report.items if "does not know this setting" in item.why]
    known = {"adguard": ["dns.ipset_file"], "technitium": ["groups[0].somethingNew.a"]}
    assert unknown == known.get(product, [])


@pytest.mark.parametrize("product", ["adguard", "blocky"])
def test_each_line_in_the_report_is_the_line_of_the_item(tmp_path: Path, product: str) -> None:
    text = (FOLDER / PRODUCTS[product]).read_text()
    file = tmp_path / PRODUCTS[product]
    file.write_text(text)
    lines = text.split("\n")
    for item in import_file(product, file, None).report.items:
        if item.place is None:
            continue
        key = re.sub(r"(\[\d+\])+$", "", item.place.path).rpartition(".")[2]
        behind = " ".join(lines[max(0, item.place.line - 6) : item.place.line])
        assert key in behind or item.name.split(" ")[0] in behind, item


def test_a_whole_pi_hole_5_is_accounted_for(tmp_path: Path) -> None:
    report = import_file("pihole", old_pihole(tmp_path / "old.tar.gz"), None).report
    for name in ("setupVars.conf", "pihole-FTL.conf"):
        numbers = {item.place.line for item in report.items
                   if item.place and item.place.file == name}  # fmt: skip
        for number, line in enumerate((FOLDER / name).read_text().splitlines(), 1):
            assert line.startswith("#") or number in numbers, line
    names = {item.name: item for item in report.items}
    assert names["a line without a sign"].disposition is Disposition.LEFT
    assert names["dns.blocking.mode = IP"].why.startswith("answer: 192.0.2.99")


def test_each_member_of_an_archive_has_an_item(tmp_path: Path) -> None:
    more = {"etc/pihole/macvendor.db": b"x", "etc/dnsmasq.d/99-own.conf": b"x", "notes.txt": b"x"}
    file = teleporter(tmp_path / "x.zip", rows(), pihole_toml(upstreams=[]), more=more)
    report = _import("pihole", file).report
    with zipfile.ZipFile(file) as opened:
        assert set(opened.namelist()) <= {item.name for item in report.items}
    more = {"zones/a.zone": b"", "what.ever": b"", "apps/Other/x.dll": b"", "stats/1.stat": b""}
    app = {"apps/Advanced Blocking/dnsApp.config": b'{"groups": []}'}
    report = _import("technitium", zipped(tmp_path / "y.zip", {**more, **app})).report
    shown = {item.name for item in report.items} | {"zones/a.zone"}
    assert {*more, *app} <= shown


@pytest.mark.parametrize("path", ["etc/pihole/db/gravity.db", "gravity.db", "home/x/gravity.db"])
def test_a_database_at_another_path_is_read(tmp_path: Path, path: str) -> None:
    tables = rows(domainlist=[{"id": 1, "type": 1, "domain": "ads.example"}],
                  domainlist_by_group=[{"domainlist_id": 1, "group_id": 0}])  # fmt: skip
    done = Imported("pihole", zipped(tmp_path / "x.zip", {path: reduced_gravity(tables)}))
    assert done.verdict("ads.example") == "blocked_by_rule"
    assert done.item(path).disposition is Disposition.TAKEN


def _blocky(tmp_path: Path, text: str) -> Imported:
    file = tmp_path / "config.yml"
    file.write_text(f"upstreams: {{groups: {{default: ['tcp-tls:dns.quad9.net']}}}}\n{text}\n")
    return Imported("blocky", file)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("queryLog: {fields: [question, duration]}", "anonymous"),
        ("queryLog: {fields: [clientIP, duration]}", "none"),
        ("queryLog: {fields: [clientName, question]}", None),
        ("queryLog: {type: none, fields: [question]}", "none"),
        ("log: {privacy: true}", "none"),
        ("logPrivacy: true", "none"),
        ("{log: {privacy: true}, queryLog: {type: csv}}", None),
        ("queryLog: {type: mysql}", None),
    ],
)
def test_no_more_is_logged_than_blocky_logged(tmp_path: Path, text: str, mode: str | None) -> None:
    done = _blocky(
        tmp_path, "\n".join(f"{k}: {json.dumps(v)}" for k, v in yaml.safe_load(text).items())
    )
    assert {spec.get("log") for spec in done.specs("Policy").values()} == {mode}


@pytest.mark.parametrize(
    ("text", "name", "disposition"),
    [
        ("blocking: {blockTTL: 1m}", "blocking.blockTTL = 1m", "taken"),
        ("blocking: {blockTTL: 48h}", "blocking.blockTTL = 48h", "changed"),
        ("blocking: {blockTTL: -1s}", "blocking.blockTTL = -1s", "left"),
        ("customDNS: {filterUnmappedTypes: false}", "customDNS.filterUnmappedTypes", "left"),
        ("customDNS: {filterUnmappedTypes: true}", "customDNS.filterUnmappedTypes", "taken"),
        ("log: {privacy: true}", "log.privacy = true", "changed"),
        ("queryLog: {fields: [question]}", "queryLog.fields = question", "changed"),
        ("upstreamStrategy: random", "upstreamStrategy = random", "changed"),
        ("somethingNew: {deep: [1, {er: 2}]}", "somethingNew.deep", "left"),
    ],
)
def test_what_has_an_equivalent_is_taken_and_the_rest_is_told(
    tmp_path: Path, text: str, name: str, disposition: str
) -> None:
    item = _blocky(tmp_path, text).item(name)
    assert (item.disposition, item.place.line if item.place else 0) == (disposition, 2)
    assert item.why or disposition == "taken"


@pytest.mark.parametrize(
    ("strategy", "disposition"), [("strict", "taken"), ("random", "changed"), ("new", "changed")]
)
def test_how_upstreams_are_chosen_is_told(tmp_path: Path, strategy: str, disposition: str) -> None:
    file = tmp_path / "config.yml"
    groups = "groups: {default: ['tcp-tls:dns.quad9.net']}"
    file.write_text(f"upstreams: {{{groups}, strategy: {strategy}, timeout: 4s}}\n")
    done = Imported("blocky", file)
    assert done.item("upstreams.strategy").disposition == disposition
    assert done.specs("Policy")["everybody-else"]["upstreams"]["timeout"] == "4s"


@pytest.mark.parametrize(
    ("product", "text", "seconds"),
    [
        ("blocky", "blocking: {blockTTL: 2}", 120),
        ("blocky", "blocking: {blockTTL: 0s}", 0),
        ("adguard", "filtering: {blocked_response_ttl: 42}", 42),
        ("adguard", "dns: {blocked_response_ttl: 42}", 42),
        ("pihole", "blockTTL = 42", 42),
        ("pihole 5", "BLOCK_TTL=42", 42),
        ("technitium", '{"groups": [], "blockingAnswerTtl": 42}', 42),
    ],
)
def test_how_long_blocked_answers_are_kept_is_taken(
    tmp_path: Path, product: str, text: str, seconds: int
) -> None:
    """C4, C15: in the unit of each product, and for every policy that serves clients."""
    file = tmp_path / "settings"
    if product == "blocky":
        done = _blocky(tmp_path, text)
    elif product == "adguard":
        file.write_text(f"filters: []\n{text}\n")
        done = Imported(product, file)
    elif product == "pihole":
        toml = pihole_toml(upstreams=["tls://dns.quad9.net"]).replace("[dns]", f"[dns]\n{text}", 1)
        done = Imported(product, teleporter(tmp_path / "x.zip", rows(), toml))
    elif product == "pihole 5":
        old = _members(old_pihole(tmp_path / "old.tar.gz")) | {"pihole-FTL.conf": text.encode()}
        done = Imported("pihole", _packed(tmp_path / "new.tar.gz", old))
    else:
        app = {"apps/Advanced Blocking/dnsApp.config": text.encode()}
        done = Imported(product, zipped(tmp_path / "y.zip", app))
    specs = done.specs("Policy")
    served = [spec for name, spec in specs.items() if not name.startswith("rules-")]
    assert {spec["blockedTtl"] for spec in served} == {str(seconds)}, specs


@pytest.mark.parametrize(
    ("product", "text", "name"),
    [
        ("blocky", "filtering: {queryTypes: [AAAA, aaaa]}", "filtering.queryTypes = AAAA, aaaa"),
        ("blocky", "disableIPv6: true", "disableIPv6"),
        ("adguard", "dns: {aaaa_disabled: true, upstream_dns: ['tls://9.9.9.9']}",
         "dns.aaaa_disabled"),
        ("adguard", "user_rules: ['*$dnstype=AAAA']", "*$dnstype=AAAA"),
        ("adguard", "user_rules: ['||^$dnstype=AAAA']", "||^$dnstype=AAAA"),
    ],
)  # fmt: skip
def test_a_type_that_no_name_has_there_has_no_data_here(
    tmp_path: Path, product: str, text: str, name: str
) -> None:
    """C3, C4: for all names but those of upstreams, and the other types are answered."""
    if product == "blocky":
        done = _blocky(tmp_path, text)
        assert done.verdict("dns.quad9.net", kind="AAAA") == "forwarded"
    else:
        file = tmp_path / "AdGuardHome.yaml"
        file.write_text(f"filters: []\n{text}\n")
        done = Imported(product, file)
    assert done.item(name).disposition is not Disposition.LEFT
    assert done.verdict("any.example", kind="AAAA") == "blocked_by_rule"
    assert done.verdict("any.example") == "forwarded"
    rules = [one for spec in done.specs("Policy").values() for one in spec.get("rules", ())]
    assert [one.get("answer", "nodata") for one in rules if "block" in one] == ["nodata"]


def test_names_that_may_have_private_addresses_are_taken(tmp_path: Path) -> None:
    """G2: by name, as the product has it, and not for all names."""
    text = "rebindingProtection: {enable: true, allowedDomains: [plex.example, 'no name']}"
    done = _blocky(tmp_path, text)
    assert done.item("allowedDomains: plex.example").disposition is Disposition.TAKEN
    assert done.item("allowedDomains: no name").disposition is Disposition.LEFT
    toml = pihole_toml(upstreams=["tls://dns.quad9.net"])
    lines = ["stop-dns-rebind", "rebind-domain-ok=/plex.example/"]
    toml = toml.replace("[misc]", f"[misc]\n  dnsmasq_lines = {json.dumps(lines)}")
    pihole = Imported("pihole", teleporter(tmp_path / "x.zip", rows(), toml))
    for one in (done, pihole):
        spec = one.specs("Policy")["everybody-else"]
        assert spec["privateAddresses"] == {"allow": ["plex.example", "*.plex.example"]}


def test_an_item_of_a_database_has_its_row(tmp_path: Path) -> None:
    """G2: a table has no lines; the row is told instead."""
    tables = rows(domainlist=[{"id": 7, "type": 1, "domain": "ads.example"},
                              {"id": 9, "type": 3, "domain": "ads(?=x)"}],
                  domainlist_by_group=[{"domainlist_id": 7, "group_id": 0}])  # fmt: skip
    file = zipped(tmp_path / "x.zip", {"gravity.db": reduced_gravity(tables)})
    places = {one.name: one.place for one in _import("pihole", file).report.items}
    assert str(places["ads.example"]) == "gravity.db"
    assert [places[name].path for name in ("ads.example", "ads(?=x)")] == [  # type: ignore[union-attr]
        "domainlist[0]",
        "domainlist[1]",
    ]
    done = call_keyhole("import", "pihole", str(file), "--dry-run")
    assert "left rule ads(?=x) (domainlist[1])" in " ".join(done.stdout.split())


def test_values_of_unknown_keys_and_secrets_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "AdGuardHome.yaml"
    file.write_text("dns: {}\nusers: [{name: a, password: hush-1}]\ntls: {private_key: hush-2}\n"
                    "new: {token: hush-3}\n")  # fmt: skip
    done = call_keyhole("import", "adguard", str(file), "--json", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "hush" not in done.stdout + "".join(
        one.read_text() for one in (tmp_path / "out").iterdir()
    )
