"""The archive of Pi-hole 5: a JSON file per table, and settings as lines of text."""

from collections.abc import Iterator, Mapping
from typing import Any

from keyhole.importers.database import Row
from keyhole.importers.error import ImporterError
from keyhole.importers.json_text import parse_json
from keyhole.importers.lenient import decode
from keyhole.importers.limits import MAX_ROWS, MAX_STRUCTURED
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place, SettingsFile
from keyhole.importers.typed_reader import Section

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
_KEYS = {
    "dns.blocking.active": "BLOCKING_ENABLED",
    "dns.dnssec": "DNSSEC",
    "dns.domain.name": "PIHOLE_DOMAIN",
    "dhcp.active": "DHCP_ACTIVE",
    "dns.blocking.mode": "BLOCKINGMODE",
    "dns.blockTTL": "BLOCK_TTL",
    "misc.privacylevel": "PRIVACYLEVEL",
    "dns.specialDomains.mozillaCanary": "MOZILLA_CANARY",
    "dns.specialDomains.iCloudPrivateRelay": "BLOCK_ICLOUD_PR",
}
"""The old key of what is called otherwise in ``pihole.toml``."""


def legacy_rows(files: Mapping[str, bytes], report: Report) -> dict[str, list[Row]]:
    """The rows of each table; a file that holds none is reported."""
    tables: dict[str, list[Row]] = {}
    for name, (table, kind) in LEGACY_TABLES.items():
        if name in files:
            try:
                rows = list(_rows(files[name], name, report))
            except ImporterError as error:
                report.left(Kind.SETTING, name, str(error), Place(name))
                continue
            extra = {} if kind is None else {"type": kind}
            tables.setdefault(table, []).extend({**row, **extra} for row in rows)
    return tables


def _rows(octets: bytes, name: str, report: Report) -> Iterator[Row]:
    file = parse_json(octets, name, report)
    rows: object = file.value
    if not isinstance(rows, list):
        raise ImporterError(f"{name} is not a list of rows")
    if len(rows) > MAX_ROWS:
        why = f"it has {len(rows)} rows; only the first {MAX_ROWS} are read"
        report.left(Kind.SETTING, name, why, Place(name))
    for at, row in enumerate(rows[:MAX_ROWS]):
        if not isinstance(row, dict):
            why = "it is not a row with columns"
            report.left(Kind.SETTING, f"row {at + 1} of {name}", why, file.place(f"[{at}]"))
            continue
        for value in row.values():
            if isinstance(value, str) and value:
                report.note(value, file.place(f"[{at}]"))
        yield row


def legacy_settings(files: Mapping[str, bytes], report: Report) -> tuple[dict[str, Any], list[str]]:
    """The settings in the form of ``pihole.toml``, and the lines for dnsmasq."""
    setup = _assignments(files, "setupVars.conf", report)
    ftl = _assignments(files, "pihole-FTL.conf", report)
    upstreams = [
        text for number in range(1, _MAX_UPSTREAMS) if (text := setup.text(f"PIHOLE_DNS_{number}"))
    ]
    mode = ftl.text("BLOCKINGMODE", "NULL").upper()
    dns: dict[str, Any] = {
        "upstreams": upstreams,
        "hosts": _lines(files, "custom.list", report),
        "blocking": {
            "active": setup.text("BLOCKING_ENABLED", "true"),
            "mode": _MODES.get(mode, mode),
        },
        "dnssec": setup.text("DNSSEC", "false"),
        "domain": {"name": setup.text("PIHOLE_DOMAIN")},
    }
    if ftl.has("BLOCK_TTL"):
        dns["blockTTL"] = ftl.text("BLOCK_TTL")
    if address := ftl.text("BLOCK_IPV4") or ftl.text("LOCAL_IPV4"):
        dns["reply"] = {"blocking": {"force4": True, "IPv4": address}}
    special = {
        new.rpartition(".")[2]: ftl.text(old)
        for new, old in _KEYS.items()
        if new.startswith("dns.specialDomains") and ftl.has(old)
    }
    if special:
        dns["specialDomains"] = special
    if rev := _reverse_server(setup):
        dns["revServers"] = [rev]
        report.derive(rev, "REV_SERVER_TARGET")
    leases = [
        line.removeprefix("dhcp-host=")
        for line in _lines(files, "04-pihole-static-dhcp.conf", report)
        if line.startswith("dhcp-host=")
    ]
    settings = {
        "dns": dns,
        "dhcp": {"active": setup.text("DHCP_ACTIVE", "false"), "hosts": leases},
        "misc": {"privacylevel": ftl.text("PRIVACYLEVEL", "0")},
    }
    for new, old in _KEYS.items():
        report.derive(new, old)
    return settings, _lines(files, "05-pihole-custom-cname.conf", report)


def _reverse_server(setup: Section) -> str:
    """Conditional forwarding, in the form of ``dns.revServers``."""
    for prefix, names in (
        ("REV_SERVER", ("CIDR", "TARGET", "DOMAIN")),
        ("CONDITIONAL_FORWARDING", ("REVERSE", "IP", "DOMAIN")),  # Pi-hole 4
    ):
        parts = [setup.text(f"{prefix}_{name}") for name in names]
        if setup.flag(prefix, False):
            return ",".join(["true", *parts])
    return ""


def _assignments(files: Mapping[str, bytes], name: str, report: Report) -> Section:
    """The settings ``KEY=value`` of a file; what has another form is reported."""
    file = SettingsFile(name, {})
    for line, text in _numbered(files, name, report):
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            report.left(Kind.SETTING, text, "it is no KEY=value", Place(name, "", line))
        elif key in file.value:
            why = f"the key appears twice, first in line {file.lines[key]}; that one is read"
            report.left(Kind.SETTING, f"{key}, again", why, Place(name, key, line))
        else:
            file.value[key] = value.strip().strip("\"'")
            file.lines[key] = line
    report.files.append(file)
    return Section(file.value, report, file=file)


def _lines(files: Mapping[str, bytes], name: str, report: Report) -> list[str]:
    found = list(_numbered(files, name, report))
    for line, text in found:
        place = Place(name, "", line)
        report.note(text, place)
        report.note(text.removeprefix("dhcp-host="), place)
    return [text for _, text in found]


def _numbered(files: Mapping[str, bytes], name: str, report: Report) -> Iterator[tuple[int, str]]:
    """The lines that are neither empty nor comments, with their numbers."""
    try:
        text = decode(files.get(name, b""), name, report, MAX_STRUCTURED)
    except ImporterError as error:
        report.left(Kind.SETTING, name, str(error), Place(name))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.strip().startswith("#"):
            yield number, line.strip()
