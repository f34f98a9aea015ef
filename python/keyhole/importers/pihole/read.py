"""Recognizes and reads the three kinds of files that hold Pi-hole's settings."""

from pathlib import Path, PurePosixPath

from keyhole.importers.archive import Archive, open_tar, open_zip
from keyhole.importers.database import HEADER, Row, open_database
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_STRUCTURED
from keyhole.importers.pihole.client_addresses import ClientAddresses
from keyhole.importers.pihole.dnsmasq import take_dnsmasq
from keyhole.importers.pihole.legacy import LEGACY_TABLES, legacy_rows, legacy_settings
from keyhole.importers.pihole.settings import take_settings
from keyhole.importers.pihole.tables import TABLES, take_tables
from keyhole.importers.product_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section, read_toml

_TOML, _GRAVITY = "etc/pihole/pihole.toml", "etc/pihole/gravity.db"
_GZIP, _ZIP = b"\x1f\x8b", b"PK"
_LEFT = {
    "etc/hosts": "that machine's own hosts file; write a Record for each name that you need",
    "etc/pihole/dhcp.leases": "Keyhole is no DHCP server",
    "etc/pihole/pihole-FTL.db": "Pi-hole's query history; Keyhole keeps its own",
}
_LEGACY_FILES = (
    "setupVars.conf",
    "pihole-FTL.conf",
    "custom.list",
    "05-pihole-custom-cname.conf",
    "04-pihole-static-dhcp.conf",
)


def read_pihole(file: Path, report: Report) -> Setup:
    """Reads any of the three; raises `ImporterError` where the file is not Pi-hole's."""
    if not file.is_file():
        raise ImporterError(f"there is no file {file}")
    with file.open("rb") as octets:
        begin = octets.read(len(HEADER))
    setup = Setup("Pi-hole")
    if begin == HEADER:
        report.left(
            Kind.SETTING, "everything but gravity.db",
            "upstreams, records and settings are in other files; a teleporter archive has all",
        )  # fmt: skip
        take_tables(setup, report, _tables(file), ClientAddresses())
    elif begin.startswith(_ZIP):
        with open_zip(file) as archive:
            _read_zip(setup, report, archive)
    elif begin.startswith(_GZIP):
        with open_tar(file, _is_legacy) as archive:
            _read_tar(setup, report, archive)
    else:
        raise ImporterError(
            f"{file.name} is not a file of Pi-hole; give the teleporter archive (Settings, "
            "Teleporter, Export) or gravity.db"
        )
    return setup


def _tables(source: Path | bytes) -> dict[str, list[Row]]:
    with open_database(source, "gravity.db", *TABLES) as database:
        if "domainlist" not in database.tables and "adlist" not in database.tables:
            raise ImporterError(
                "the database has neither a table adlist nor a table domainlist; Pi-hole has "
                "both since version 5"
            )
        return {table: database.rows(table) for table in TABLES}


def _read_zip(setup: Setup, report: Report, archive: Archive) -> None:
    settings = archive.read(_TOML, MAX_STRUCTURED)
    gravity = archive.read(_GRAVITY)
    if settings is None and gravity is None:
        raise ImporterError(
            f"the archive holds neither {_TOML} nor {_GRAVITY}, so it is not a teleporter archive "
            "of Pi-hole 6"
        )
    addresses = ClientAddresses()
    if settings is not None:
        root = Section(read_toml(settings, "pihole.toml"), report)
        addresses = ClientAddresses.of(
            root.under("dns").texts("hosts"), root.under("dhcp").texts("hosts")
        )
        take_settings(setup, report, root)
    if gravity is not None:
        take_tables(setup, report, _tables(gravity), addresses)
    for name in archive.names:
        if name in _LEFT:
            report.left(Kind.SETTING, name, _LEFT[name])
        elif name.startswith("etc/dnsmasq.d/"):
            why = "Pi-hole uses it only with misc.etc_dnsmasq_d; write documents for what you need"
            report.left(Kind.SETTING, name, why)


def _is_legacy(name: str) -> bool:
    base = PurePosixPath(name).name
    return base in _LEGACY_FILES or base in LEGACY_TABLES or name.startswith("dnsmasq.d/")


def _read_tar(setup: Setup, report: Report, archive: Archive) -> None:
    by_base: dict[str, bytes] = {}
    others: dict[str, bytes] = {}
    for name in archive.names:
        base = PurePosixPath(name).name
        known = base in _LEGACY_FILES or base in LEGACY_TABLES
        octets = archive.read(name)
        assert octets is not None
        (by_base if known else others)[base if known else name] = octets
    if not any(base in LEGACY_TABLES for base in by_base):
        raise ImporterError(
            "the archive holds none of the tables such as adlist.json, so it is not a "
            "teleporter archive of Pi-hole 5"
        )
    settings, lines = legacy_settings(by_base)
    root = Section(settings, report)
    addresses = ClientAddresses.of(
        root.under("dns").texts("hosts"), root.under("dhcp").texts("hosts")
    )
    take_settings(setup, report, root)
    take_tables(setup, report, legacy_rows(by_base), addresses)
    take_dnsmasq(setup, report, lines, "05-pihole-custom-cname.conf")
    for name in others:
        why = "only Pi-hole's own files are read; write documents for what you need"
        report.left(Kind.SETTING, name, why)
