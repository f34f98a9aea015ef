"""Section G, row G2: every key and member of the input is accounted for."""

import gzip
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyhole.control.import_settings import import_file
from keyhole.importers import Disposition, Item
from tests.world.archives import members, packed, read_all
from tests.world.imported import Imported
from tests.world.imports import home, pihole_toml, reduced_gravity, rows, teleporter, zipped
from tests.world.peer_files import (
    FOLDER,
    PRODUCTS,
    old_pihole,
    paths,
    whole,
)
from tests.world.process import call_keyhole


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


def test_an_archive_that_was_unpacked_by_half_is_the_same_archive(tmp_path: Path) -> None:
    """G2: as a browser or a tool that takes the gzip away leaves it."""
    packed_archive = old_pihole(tmp_path / "teleporter.tar.gz")
    unpacked = tmp_path / "teleporter.tar"
    unpacked.write_bytes(gzip.decompress(packed_archive.read_bytes()))
    both = [import_file("pihole", file, None) for file in (packed_archive, unpacked)]
    assert both[0].report.items == both[1].report.items
    assert both[0].files == both[1].files


def test_each_member_of_an_archive_has_an_item(tmp_path: Path) -> None:
    more = {"etc/pihole/macvendor.db": b"x", "etc/dnsmasq.d/99-own.conf": b"x", "notes.txt": b"x"}
    file = teleporter(tmp_path / "x.zip", rows(), pihole_toml(upstreams=[]), more=more)
    report = read_all("pihole", file).report
    with zipfile.ZipFile(file) as opened:
        assert set(opened.namelist()) <= {item.name for item in report.items}
    more = {"zones/a.zone": b"", "what.ever": b"", "apps/Other/x.dll": b"", "stats/1.stat": b""}
    app = {"apps/Advanced Blocking/dnsApp.config": b'{"groups": []}'}
    report = read_all("technitium", zipped(tmp_path / "y.zip", {**more, **app})).report
    shown = {item.name for item in report.items} | {"zones/a.zone"}
    assert {*more, *app} <= shown


@pytest.mark.parametrize("path", ["etc/pihole/db/gravity.db", "gravity.db", "home/x/gravity.db"])
def test_a_database_at_another_path_is_read(tmp_path: Path, path: str) -> None:
    tables = rows(domainlist=[{"id": 1, "type": 1, "domain": "ads.example"}],
                  domainlist_by_group=[{"domainlist_id": 1, "group_id": 0}])  # fmt: skip
    done = Imported("pihole", zipped(tmp_path / "x.zip", {path: reduced_gravity(tables)}))
    assert done.verdict("ads.example") == "blocked_by_rule"
    assert done.item(path).disposition is Disposition.TAKEN


def test_an_archive_whose_only_known_member_cannot_be_read_says_why(tmp_path: Path) -> None:
    """G2: it is one of Pi-hole, so that nothing else may be said."""
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("etc/pihole/pihole.toml", "[dns]\n")
    (item,) = (one for one in read_all("pihole", file).report.items if "toml" in one.name)
    assert item.disposition is Disposition.LEFT
    assert "compression method" in item.why


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
        old = members(old_pihole(tmp_path / "old.tar.gz")) | {"pihole-FTL.conf": text.encode()}
        done = Imported("pihole", packed(tmp_path / "new.tar.gz", old))
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
    places = {one.name: one.place for one in read_all("pihole", file).report.items}
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
