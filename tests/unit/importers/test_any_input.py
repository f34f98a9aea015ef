"""Any export becomes valid documents or an error message, never a traceback."""

import json
import string
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyhole.control.import_settings import import_file
from keyhole.importers import ImporterError
from tests.world.imports import gravity, pihole_toml, rows, technitium_names, teleporter, zipped

_ODD = st.sampled_from(
    [
        "", "*", "*.", ".", "a..b", "192.0.2.1", "::1", "fe80::1%eth0", "::ffff:192.0.2.1",
        "0.0.0.0/0", "999.1.1.1", "²", "xn--", "x" * 300, "/[/", "/(a{1000}){1000}/",
        "||a.example^", "@@||b.example^", "a.example", "*.b.example",
        "https://dns.quad9.net/dns-query", "tls://9.9.9.9", "sdns://AgA",
        "https://lists.example.org/x", "http://", "true", "-1", "1e9", "null", "\u202e",
        "a\nb.example", "mon", "08:00", "24:00", "default", "aa:bb:cc:dd:ee:ff",
        "192.0.2.1 a.example b", "a.example,b", "||c.example^$dnsrewrite=NOERROR;A;x",
        "0.0.0.0 d.example", "*.*.example", "under_score.example", "-a.example", "1h",
        "[/a.example/]9.9.9.9", "dns.quad9.net", "||quad9.net^$important",
    ]
)  # fmt: skip
_TEXT = _ODD | st.text(string.printable, max_size=12)
_SCALAR = _TEXT | st.integers(-1, 10**12) | st.booleans() | st.none() | st.floats(allow_nan=False)
_ANY = st.recursive(
    _SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
_VALUE = st.lists(_TEXT, max_size=3) | st.dictionaries(
    _TEXT, st.lists(_TEXT, max_size=2), max_size=2
)
_often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _import(product: str, name: str, octets: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(octets)
        _read(product, file)


def _read(product: str, file: Path) -> None:
    try:
        import_file(product, file, None)
    except ImporterError as error:
        assert str(error).isprintable()  # noqa: PT017  (whether it is raised is the data's choice)


def _tree(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, _ANY | _VALUE | _TEXT))


@_often
@given(
    _tree("upstream_dns", "fallback_dns", "allowed_clients", "disallowed_clients", "blocked_hosts",
          "bootstrap_dns", "local_ptr_upstreams"),
    _tree("blocking_mode", "blocking_ipv4", "rewrites", "blocked_services", "protection_enabled"),
    st.lists(_tree("name", "ids", "upstreams", "tags", "filtering_enabled", "use_global_settings",
                   "safe_search"), max_size=2),
    _tree("filters", "user_rules", "whitelist_filters", "querylog"),
)  # fmt: skip
def test_any_adguard(
    dns: dict[str, Any], filtering: dict[str, Any], clients: list[Any], more: dict[str, Any]
) -> None:
    dns = {"upstream_dns": ["tls://9.9.9.9"], **dns}
    tree = {"dns": dns, "filtering": filtering, "clients": {"persistent": clients}, **more}
    _import("adguard", "AdGuardHome.yaml", json.dumps(tree).encode())


@_often
@given(
    _tree(
        "denylists", "allowlists", "clientGroupsBlock", "schedules", "listSchedules", "blockType"
    ),
    _tree("mapping", "zone", "customTTL", "rewrite"),
    _tree("upstreams", "conditional", "clientLookup", "hostsFile", "bootstrapDns", "queryLog"),
    st.dictionaries(_TEXT, st.lists(_TEXT, max_size=2), max_size=2),
)
def test_any_blocky(
    blocking: dict[str, Any], custom: dict[str, Any], more: dict[str, Any], groups: dict[str, Any]
) -> None:
    upstreams = {"upstreams": {"groups": {"default": ["tcp-tls:9.9.9.9"], **groups}}}
    tree = {**upstreams, "blocking": blocking, "customDNS": custom, **more}
    _import("blocky", "config.yml", json.dumps(tree).encode())


_CELL = _TEXT | st.integers(-1, 5) | st.none() | st.binary(max_size=4) | st.floats(allow_nan=False)
_ROW = st.tuples(_CELL, st.sampled_from([0, 1]), st.integers(-1, 4), _TEXT)


@_often
@given(st.lists(_ROW, max_size=4), st.lists(_TEXT, max_size=3), st.lists(_TEXT, max_size=3))
def test_any_pihole(some: list[Any], lines: list[str], upstreams: list[str]) -> None:
    unique = list({str(cell): (cell, *rest) for cell, *rest in some if cell is not None}.values())
    numbered = list(enumerate(unique, 1))
    tables = rows(
        domainlist=[
            {"id": n, "domain": cell, "enabled": on, "type": kind, "comment": text}
            for n, (cell, on, kind, text) in numbered
        ],
        domainlist_by_group=[{"domainlist_id": n, "group_id": 0} for n, _ in numbered],
        adlist=[{"id": n, "address": cell, "comment": text} for n, (cell, _, _, text) in numbered],
        adlist_by_group=[{"adlist_id": n, "group_id": 0} for n, _ in numbered],
        client=[{"id": n, "ip": cell, "comment": text} for n, (cell, _, _, text) in numbered],
        client_by_group=[{"client_id": n, "group_id": 0} for n, _ in numbered],
    )
    lines = [line for line in lines if line.isprintable()]
    toml = pihole_toml(
        upstreams=["tls://9.9.9.9", *(one for one in upstreams if one.isprintable())],
        hosts=lines, cnameRecords=lines, revServers=lines,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        _read("pihole", gravity(Path(folder) / "gravity.db", tables))
        _read("pihole", teleporter(Path(folder) / "t.zip", tables, toml))


@_often
@given(_ANY | _tree("groups", "networkGroupMap"), st.lists(_TEXT, max_size=3),
       st.lists(_tree("name", "blocked", "allowedRegex", "blockListUrls", "blockingAddresses"),
                max_size=2))  # fmt: skip
def test_any_technitium(app: Any, names: list[str], groups: list[Any]) -> None:
    if isinstance(app, dict):
        app = {"groups": groups, **app}
    names = [name for name in names if len(name.encode()) < 256]
    entries = {
        "blocked.config": technitium_names("BZ", ["fine.example", *names]),
        "apps/Advanced Blocking/dnsApp.config": json.dumps(app).encode(),
    }
    with tempfile.TemporaryDirectory() as folder:
        _read("technitium", zipped(Path(folder) / "backup.zip", entries))
