"""Exports of other products, shaped like real ones and made when a test wants them."""

import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

# The tables and triggers of Pi-hole's database, version 20: names and columns are the format.
_SCHEMA = """
CREATE TABLE "group" (id INTEGER PRIMARY KEY AUTOINCREMENT, enabled BOOLEAN NOT NULL DEFAULT 1,
  name TEXT UNIQUE NOT NULL, date_added INTEGER NOT NULL DEFAULT 0,
  date_modified INTEGER NOT NULL DEFAULT (cast(strftime('%s', 'now') as int)), description TEXT);
CREATE TABLE domainlist (id INTEGER PRIMARY KEY AUTOINCREMENT, type INTEGER NOT NULL DEFAULT 0,
  domain TEXT NOT NULL, enabled BOOLEAN NOT NULL DEFAULT 1, date_added INTEGER DEFAULT 0,
  date_modified INTEGER DEFAULT 0, comment TEXT, UNIQUE(domain, type));
CREATE TABLE adlist (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL,
  enabled BOOLEAN NOT NULL DEFAULT 1, date_added INTEGER DEFAULT 0, date_modified INTEGER DEFAULT 0,
  comment TEXT, date_updated INTEGER, number INTEGER NOT NULL DEFAULT 0,
  invalid_domains INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0,
  abp_entries INTEGER NOT NULL DEFAULT 0, type INTEGER NOT NULL DEFAULT 0, UNIQUE(address, type));
CREATE TABLE adlist_by_group (adlist_id INTEGER NOT NULL, group_id INTEGER NOT NULL,
  PRIMARY KEY (adlist_id, group_id));
CREATE TABLE gravity (domain TEXT NOT NULL, adlist_id INTEGER NOT NULL REFERENCES adlist (id));
CREATE TABLE antigravity (domain TEXT NOT NULL, adlist_id INTEGER NOT NULL REFERENCES adlist (id));
CREATE TABLE info (property TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE domainlist_by_group (domainlist_id INTEGER NOT NULL, group_id INTEGER NOT NULL,
  PRIMARY KEY (domainlist_id, group_id));
CREATE TABLE client (id INTEGER PRIMARY KEY AUTOINCREMENT, ip TEXT NOT NULL UNIQUE,
  date_added INTEGER DEFAULT 0, date_modified INTEGER DEFAULT 0, comment TEXT);
CREATE TABLE client_by_group (client_id INTEGER NOT NULL, group_id INTEGER NOT NULL,
  PRIMARY KEY (client_id, group_id));
CREATE TRIGGER tr_client_update AFTER UPDATE ON client BEGIN
  UPDATE client SET date_modified = (cast(strftime('%s', 'now') as int)) WHERE ip = NEW.ip; END;
CREATE VIEW vw_gravity AS SELECT domain, adlist.id AS adlist_id FROM gravity
  LEFT JOIN adlist ON adlist.id = gravity.adlist_id WHERE adlist.enabled = 1;
INSERT INTO info VALUES ('version', '20');
"""
TABLES = ("group", "adlist", "adlist_by_group", "domainlist", "domainlist_by_group", "client",
          "client_by_group")  # fmt: skip

GROUPS = ("Default", "Kids", "IoT", "Guests", "Work", "Old")
"""The last one is disabled."""
ALLOW, DENY, ALLOW_REGEX, DENY_REGEX = range(4)

Rows = Mapping[str, list[dict[str, Any]]]


def rows(**tables: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows by table; ``group_`` is the table group. The group Default is always there."""
    made = {table.rstrip("_"): [dict(one) for one in some] for table, some in tables.items()}
    default = {"id": 0, "enabled": 1, "name": "Default", "description": "The default group"}
    made["group"] = [default, *made.get("group", [])]
    return made


def home() -> Rows:
    """A household: 150 rules, a dozen lists, 25 clients, 6 groups."""
    lists, rules, clients = _lists(), _rules(), _clients()
    return {
        "group": [
            {"id": number, "enabled": int(name != "Old"), "name": name, "description": f"{name}!"}
            for number, name in enumerate(GROUPS)
        ],
        "adlist": [one for one, _ in lists],
        "adlist_by_group": _pairs("adlist_id", lists),
        "domainlist": [one for one, _ in rules],
        "domainlist_by_group": _pairs("domainlist_id", rules),
        "client": [one for one, _ in clients],
        "client_by_group": _pairs("client_id", clients),
    }


_Grouped = list[tuple[dict[str, Any], list[int]]]


def _pairs(key: str, grouped: _Grouped) -> list[dict[str, Any]]:
    return [{key: one["id"], "group_id": group} for one, groups in grouped for group in groups]


def _lists() -> _Grouped:
    return [
        (
            {
                "id": number,
                "address": f"https://lists.example.org/{name}/hosts.txt",
                "enabled": int(name != "stale"),
                "comment": f"{name} list" if number % 2 else None,
                "type": int(name == "needed"),
                "number": number * 1000,
            },
            groups,
        )
        for number, (name, groups) in enumerate(
            [("ads", [0, 1, 2]), ("trackers", [0]), ("malware", [0, 1, 2, 3, 4]), ("games", [1]),
             ("social", [1]), ("telemetry", [2]), ("adult", [1, 3]), ("phishing", [0, 3]),
             ("crypto", [0]), ("needed", [0]), ("stale", [0]), ("forgotten", [5])],
            1,
        )
    ]  # fmt: skip


_EXPRESSIONS = (
    r"(\.|^)doubleclick\.example$",
    r"^ad[sxv]?[0-9]*\.",
    r"^(.+[_.-])?telemetry[_.-]",
    r"(^|\.)[[:alnum:]]+-metrics\.example\.net$",
    r"^track(ing|er)?[0-9]{0,3}\.",
    r"^[^\.]+\.casino\.example$",
    r"Analytics\.Example\.org$",
    r"(^|\.)blocked-types\.example$;querytype=A,AAAA",
    r"^refused\.example$;reply=REFUSED",
    r"^sinkhole[0-9]\.example$;reply=192.0.2.99",
)
_LEFT_EXPRESSIONS = (r"^(?!good)\.example$", r"(a)\1", r".*;invert")


def _rules() -> _Grouped:
    texts = [(DENY, f"denied{number}.example.com") for number in range(70)]
    texts += [(ALLOW, f"allowed{number}.example.com") for number in range(50)]
    texts += [(DENY_REGEX, text) for text in (*_EXPRESSIONS, *_LEFT_EXPRESSIONS)]
    texts += [(DENY_REGEX, rf"^kids{number}[a-z]*\.example$") for number in range(10)]
    texts += [(ALLOW_REGEX, rf"(\.|^)school{number}\.example$") for number in range(6)]
    texts += [(ALLOW, "denied7.ads.example.com")]
    made: _Grouped = []
    for number, (kind, text) in enumerate(texts, 1):
        groups = [1] if text.startswith(("^kids", "(\\.|^)school")) else [0]
        groups = [2] if number % 17 == 0 else groups
        row = {"id": number, "type": kind, "domain": text, "enabled": int(number % 25 != 0)}
        made.append(({**row, "comment": f"rule {number}" if number % 3 else None}, groups))
    return made


def _clients() -> _Grouped:
    made: _Grouped = []
    for number in range(1, 19):
        groups = [[0], [1], [2], [0, 2], [1, 3], []][number % 6]
        row = {"id": number, "ip": f"198.51.100.{number}", "comment": f"Device {number}"}
        made.append((row, groups))
    others = ["203.0.113.0/24", "2001:db8:1::/64", "00:00:5E:00:53:01", "00:00:5e:00:53:99",
              "nas.home.example", "unknown-laptop", ":eth1"]  # fmt: skip
    made += [
        ({"id": number, "ip": text, "comment": None}, [4 if number % 2 else 1])
        for number, text in enumerate(others, 19)
    ]
    return made


def gravity(path: Path, tables: Rows, *, names: int = 0) -> Path:
    """A ``gravity.db`` with the whole schema, and ``names`` names of lists in it."""
    with sqlite3.connect(path) as database:
        database.executescript(_SCHEMA)
        _fill(database, tables)
        database.executemany(
            "INSERT INTO gravity VALUES (?, 1)", ((f"n{n}.example.com",) for n in range(names))
        )
    database.close()
    return path


def _fill(database: sqlite3.Connection, tables: Rows) -> None:
    for table, some in tables.items():
        for row in some:
            marks = ", ".join("?" * len(row))
            database.execute(
                f'INSERT INTO "{table}" ({", ".join(row)}) VALUES ({marks})', tuple(row.values())
            )


def reduced_gravity(tables: Rows) -> bytes:
    """The database inside of a teleporter archive: copies of some tables, without a schema."""
    full, reduced = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    full.executescript(_SCHEMA)
    _fill(full, tables)
    for table in TABLES:
        cursor = full.execute(f'SELECT * FROM "{table}"')
        columns = [column[0] for column in cursor.description]
        reduced.execute(f'CREATE TABLE "{table}" ({", ".join(columns)})')
        _fill(reduced, {table: [dict(zip(columns, row, strict=True)) for row in cursor]})
    reduced.commit()
    octets = reduced.serialize()
    full.close()
    reduced.close()
    return octets


def pihole_toml(**dns: Any) -> str:
    """``pihole.toml`` with these keys of the section dns, and what is always there."""
    special = {"mozillaCanary": True, "iCloudPrivateRelay": True, "designatedResolver": True}
    sections = {"dns": {k: v for k, v in dns.items() if not isinstance(v, dict)}}
    nested: dict[str, Any] = {"specialDomains": special, "domain": {"name": "lan", "local": True}}
    nested |= {key: value for key, value in dns.items() if isinstance(value, dict)}
    lines = ["# Pi-hole configuration file (v6.4)"]
    for name, values in [*sections.items(), *((f"dns.{k}", v) for k, v in nested.items())]:
        lines += [f"[{name}]", *(f"  {key} = {json.dumps(value)}" for key, value in values.items())]
    leases = '["00:00:5e:00:53:01,198.51.100.77,tablet,24h"]'
    lines += ["[dhcp]", "  active = true", f"  hosts = {leases}"]
    return "\n".join(
        [*lines, "[webserver]", '  port = "80o,443os"', "[misc]", "  privacylevel = 0"]
    )


def home_records() -> dict[str, list[str]]:
    """80 records: hosts with several names and families, and aliases."""
    hosts = [f"10.1.2.{number} host{number}.home.example" for number in range(1, 51)]
    hosts += [f"2001:db8:9::{number} host{number}.home.example" for number in range(1, 11)]
    hosts += ["10.1.3.1 nas.home.example nas", "10.1.3.2 bücher.example"]
    aliases = [f"alias{number}.home.example,host{number}.home.example" for number in range(1, 16)]
    aliases += ["www.home.example,files.home.example,nas.home.example,600"]
    return {"hosts": hosts, "cnameRecords": aliases}


def teleporter(
    path: Path, tables: Rows, toml: str, *, more: Mapping[str, bytes] | None = None
) -> Path:
    """A teleporter archive of Pi-hole 6."""
    entries = {
        "etc/pihole/pihole.toml": toml.encode(),
        "etc/hosts": b"127.0.0.1 localhost\n",
        "etc/pihole/dhcp.leases": b"",
        "etc/pihole/gravity.db": reduced_gravity(tables),
        "etc/pihole/pihole-FTL.db": b"SQLite format 3\0",
        **(more or {}),
    }
    return zipped(path, entries)


def home_teleporter(path: Path, **dns: Any) -> Path:
    """The household with its records, upstreams and conditional forwarding."""
    settings: dict[str, Any] = {
        "upstreams": ["9.9.9.9", "tls://dns.quad9.net@149.112.112.112", "127.0.0.1#5335"],
        "revServers": ["true,10.1.0.0/16,10.1.0.1#53,home.example"],
        "dnssec": True,
        "blocking": {"active": True, "mode": "NULL"},
        **home_records(),
    }
    return teleporter(path, home(), pihole_toml(**settings | dns))


def zipped(path: Path, entries: Mapping[str, bytes]) -> Path:
    """A zip with these entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in entries.items():
            archive.writestr(name, octets)
    return path


def legacy_teleporter(path: Path, tables: Rows, files: Mapping[str, str]) -> Path:
    """A teleporter archive of Pi-hole 5: a JSON file for each table, and settings."""
    kinds = ("whitelist.exact", "blacklist.exact", "whitelist.regex", "blacklist.regex")
    entries = {f"{table}.json": some for table, some in tables.items() if table != "domainlist"}
    for number, stem in enumerate(kinds):
        some = [row for row in tables.get("domainlist", []) if row["type"] == number]
        entries[f"{stem}.json"] = some
    texts = {name: json.dumps(some) for name, some in entries.items()} | dict(files)
    with tarfile.open(path, "w:gz") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def _text(text: str) -> bytes:
    octets = text.encode()
    return bytes([len(octets)]) + octets


def _address(text: str) -> bytes:
    octets = ip_address(text).packed
    return bytes([1 if len(octets) == 4 else 2]) + octets


def _networks(texts: Iterable[str]) -> bytes:
    some = [ip_network(text) for text in texts]
    packed = (_address(str(one.network_address)) + bytes([one.prefixlen]) for one in some)
    return bytes([len(some)]) + b"".join(packed)


def technitium_names(magic: str, names: Iterable[str]) -> bytes:
    """``allowed.config`` (AZ) or ``blocked.config`` (BZ)."""
    some = [_text(name) for name in names]
    return magic.encode() + b"\x01" + len(some).to_bytes(4, "little") + b"".join(some)


def technitium_lists(urls: Iterable[str]) -> bytes:
    """``blocklist.config``."""
    some = [_text(url) for url in urls]
    behind = (24).to_bytes(4, "little") + bytes(8)
    return b"BL\x01" + bytes([len(some)]) + b"".join(some) + behind


def technitium_settings(
    *,
    version: int = 3,
    blocks: bool = True,
    kind: int = 0,
    addresses: Iterable[str] = (),
    bypass: Iterable[str] = (),
    forwarders: Iterable[tuple[int, str]] = (),
    proxy: str | None = None,
) -> bytes:
    """``dns.config``, with something in every part whose length varies."""
    servers = [b"\x03" + bytes([protocol]) + _text(text) for protocol, text in forwarders]
    answers = [_address(one) for one in addresses]
    parts = [
        b"DC", bytes([version]), _text("server.example"),
        b"\x02", b"\x01" + bytes(4) + b"\x35\x00", b"\x02" + bytes(16) + b"\x35\x00",
        _networks(["192.0.2.0/24"]), _networks(["2001:db8::/32"]),
        bytes(4 if version < 2 else 12), _text("admin@example.org"), bytes(9),
        _networks([]), _networks(["10.0.0.0/8"]), b"\x01", b"\x00\x01",
        b"\x02\x00" + bytes(4), bytes(6),
        b"\x01" + _address("192.0.2.0") + b"\x18", b"\x00",
        b"\x01" + bytes(12), b"\x00", bytes(8), _networks([]),
        bytes(24 + (8 if version >= 3 else 0) + 2),
        bytes((1 if version >= 3 else 0) + 7 + 24),
        b"\x01\x00" + _address("10.0.0.0") + b"\x08",
        _text("dns.pfx"), _text("secret"), _text("X-Real-IP"),
        b"\x01", _text("key"), _text("c2VjcmV0"), b"\x02",
        b"\x02", b"\x00", bytes(2 + 16), bytes(2 + 12 + 4 + 8 + 16 + 16),
        bytes([blocks]), b"\x01", _networks(bypass), bytes([kind]),
        bytes([len(answers)]) + b"".join(answers), bytes(4),
        b"\x00" if proxy is None
        else b"\x02" + _text(proxy) + bytes(4) + b"\x01" + _text("u") + _text("p") + b"\x01"
        + _text("127.0.0.0/8"),
        bytes([len(servers)]) + b"".join(servers), bytes(1 + 12), b"\x01\x00\x01", bytes(4),
    ]  # fmt: skip
    return b"".join(parts)
