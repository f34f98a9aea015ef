"""The archive of Pi-hole 5: a JSON file per table, and settings as lines of text."""

from collections.abc import Mapping
from typing import Any

from keyhole.importers.database import Row
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_ROWS, MAX_STRUCTURED
from keyhole.importers.typed_reader import read_json

LEGACY_TABLES: dict[str, tuple[str, int | None]] = {
    "group.json": ("group", None),
    "adlist.json": ("adlist", None),
    "adlist_by_group.json": ("adlist_by_group", None),
    "whitelist.exact.json": ("domainlist", 0),
    "blacklist.exact.json": ("domainlist", 1),
    "whitelist.regex.json": ("domainlist", 2),
    "blacklist.regex.json": ("domainlist", 3),
    "domainlist_by_group.json": ("domainlist_by_group", None),
    "client.json": ("client", None),
    "client_by_group.json": ("client_by_group", None),
}
"""The table of each file, and the type of its rows."""

_MAX_UPSTREAMS = 64
_MODES = {"NXDOMAIN": "NX", "IP-NODATA-AAAA": "IP_NODATA_AAAA"}


def legacy_rows(files: Mapping[str, bytes]) -> dict[str, list[Row]]:
    """The rows of each table."""
    tables: dict[str, list[Row]] = {}
    for name, (table, kind) in LEGACY_TABLES.items():
        rows = read_json(files[name], name) if name in files else []
        if not isinstance(rows, list) or len(rows) > MAX_ROWS:
            raise ImporterError(f"{name} is not a list of at most {MAX_ROWS} rows")
        for row in rows:
            if isinstance(row, dict):
                tables.setdefault(table, []).append(row if kind is None else {**row, "type": kind})
    return tables


def legacy_settings(files: Mapping[str, bytes]) -> tuple[dict[str, Any], list[str]]:
    """The settings in the form of ``pihole.toml``, and the lines for dnsmasq."""
    setup = _assignments(files, "setupVars.conf")
    ftl = _assignments(files, "pihole-FTL.conf")
    upstreams = [
        setup[key]
        for number in range(1, _MAX_UPSTREAMS)
        if setup.get(key := f"PIHOLE_DNS_{number}")
    ]
    mode = ftl.get("BLOCKINGMODE", "NULL").upper()
    dns: dict[str, Any] = {
        "upstreams": upstreams,
        "hosts": _lines(files, "custom.list"),
        "blocking": {
            "active": setup.get("BLOCKING_ENABLED", "true"),
            "mode": _MODES.get(mode, mode),
        },
        "dnssec": setup.get("DNSSEC", "false"),
        "domain": {"name": setup.get("PIHOLE_DOMAIN", "")},
    }
    if setup.get("REV_SERVER", "").lower() == "true":
        keys = ("REV_SERVER_CIDR", "REV_SERVER_TARGET", "REV_SERVER_DOMAIN")
        dns["revServers"] = [",".join(["true", *(setup.get(key, "") for key in keys)])]
    leases = [
        line.removeprefix("dhcp-host=")
        for line in _lines(files, "04-pihole-static-dhcp.conf")
        if line.startswith("dhcp-host=")
    ]
    settings = {
        "dns": dns,
        "dhcp": {"active": setup.get("DHCP_ACTIVE", "false"), "hosts": leases},
        "misc": {"privacylevel": ftl.get("PRIVACYLEVEL", "0")},
    }
    return settings, _lines(files, "05-pihole-custom-cname.conf")


def _assignments(files: Mapping[str, bytes], name: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in _lines(files, name))
    return {key.strip(): value.strip().strip("\"'") for key, equals, value in pairs if equals}


def _lines(files: Mapping[str, bytes], name: str) -> list[str]:
    octets = files.get(name, b"")
    if len(octets) > MAX_STRUCTURED:
        raise ImporterError(f"{name} is larger than in any export")
    lines = (line.strip() for line in octets.decode("utf-8", "replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
