"""Recognizes and reads the files that hold Pi-hole's settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from keyhole.importers.archive import Archive, files_below, is_tar, open_files, open_tar, open_zip
from keyhole.importers.database import HEADER, Row, open_database
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_STRUCTURED
from keyhole.importers.pihole.client_addresses import ClientAddresses
from keyhole.importers.pihole.dnsmasq import take_dnsmasq
from keyhole.importers.pihole.left import REASONS, SETUP_REASONS
from keyhole.importers.pihole.legacy import LEGACY_TABLES, legacy_rows, legacy_settings
from keyhole.importers.pihole.settings import take_settings
from keyhole.importers.pihole.tables import TABLES, take_tables
from keyhole.importers.product_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place
from keyhole.importers.typed_reader import Section, read_toml

_TOML, _GRAVITY = "pihole.toml", "gravity.db"
_DEEPEST = 2
"""Folders below /etc/pihole that may hold something."""
_ZIP = b"PK"
_LEFT = {
    "hosts": "that machine's own hosts file; write a Record for each name that you need",
    "dhcp.leases": "Keyhole is no DHCP server",
    "pihole-FTL.db": "Pi-hole's query history; Keyhole keeps its own",
    "adlists.list": "lists of Pi-hole 4; declare each as a List",
    "auditlog.list": "names that a person looked at; nothing follows from them",
    "domain_audit.json": "names that a person looked at; nothing follows from them",
    "auditlog.json": "names that a person looked at; nothing follows from them",
}
"""Known members that are not imported, by their name without folders."""
_READ = "it is read; its settings are reported by themselves"
_UNKNOWN = "only Pi-hole's own settings are read; write documents for what you need of it"
_DNSMASQ = "Pi-hole uses it only with misc.etc_dnsmasq_d; write documents for what you need"
_LEGACY_FILES = (
    "setupVars.conf",
    "pihole-FTL.conf",
    "custom.list",
    "05-pihole-custom-cname.conf",
    "04-pihole-static-dhcp.conf",
)
_CURRENT = (_TOML, _GRAVITY)
_GATHERED = "Pi-hole gathered it from lists and queries; Keyhole downloads the lists itself"
_TABLES_LEFT = {
    "gravity": _GATHERED,
    "antigravity": _GATHERED,
    "info": "it is the version of the database",
    "domain_audit": "names that a person looked at; nothing follows from them",
}


def read_pihole(file: Path, report: Report) -> Setup:
    """Reads any of them; raises `ImporterError` where the file is not Pi-hole's."""
    setup = Setup("Pi-hole", reasons={**SETUP_REASONS, **REASONS})
    if file.is_dir():
        files = files_below(file, _DEEPEST, report.leave_member)
        _read_archive(setup, report, open_files(files, report.leave_member), files.get(_GRAVITY))
        return setup
    if not file.is_file():
        raise ImporterError(f"there is no file or folder {file}")
    with file.open("rb") as octets:
        begin = octets.read(len(HEADER))
    if begin == HEADER:
        report.left(
            Kind.SETTING, "everything but gravity.db",
            "upstreams, records and settings are in other files; a teleporter archive has all",
        )  # fmt: skip
        take_tables(setup, report, _tables(file, report), ClientAddresses())
    elif begin.startswith(_ZIP):
        with open_zip(file, report.leave_member) as archive:
            _read_archive(setup, report, archive)
    elif is_tar(file):
        with open_tar(file, report.leave_member, _is_wanted) as archive:
            _read_archive(setup, report, archive)
    elif _is_settings(file):
        report.left(
            Kind.SETTING, "everything but pihole.toml",
            "lists, rules and groups are in gravity.db; a teleporter archive has all",
        )  # fmt: skip
        _read_archive(setup, report, open_files({_TOML: file}, report.leave_member))
    else:
        raise ImporterError(
            f"{file.name} is not a file of Pi-hole; give the teleporter archive (Settings, "
            "Teleporter, Export), /etc/pihole, pihole.toml or gravity.db"
        )
    return setup


def _is_settings(file: Path) -> bool:
    """Whether it is the settings of Pi-hole 6, by what is in it: an upload has another name."""
    if file.stat().st_size > MAX_STRUCTURED:
        return False
    lines = file.read_bytes().splitlines()
    return any(line.strip() == b"[dns]" for line in lines)


def _tables(source: Path | bytes, report: Report) -> dict[str, list[Row]]:
    with open_database(source, "gravity.db", *TABLES) as database:
        if "domainlist" not in database.tables and "adlist" not in database.tables:
            raise ImporterError(
                "the database has neither a table adlist nor a table domainlist; Pi-hole has "
                "both since version 5"
            )
        tables = {table: database.rows(table, report) for table in TABLES}
        database.leave_others(report, _TABLES_LEFT)
    return tables


def _base(name: str) -> str:
    return PurePosixPath(name).name


def _is_wanted(name: str) -> bool:
    return _base(name) in (*_LEGACY_FILES, *LEGACY_TABLES, *_CURRENT)


def _read_archive(
    setup: Setup, report: Report, archive: Archive, gravity: Path | None = None
) -> None:
    """Reads an archive by the names of its members, in whatever folder they are. ``gravity`` is the
    database where it is a file, which may be larger than any export."""
    # One that cannot be read is reported as such.
    if not {_base(name) for name in archive.names} & {*_CURRENT, *LEGACY_TABLES}:
        raise ImporterError(
            "the archive holds neither pihole.toml nor gravity.db nor tables such as adlist.json, "
            "so it is not a teleporter archive of Pi-hole"
        )
    files = _members(report, archive, given=() if gravity is None else (_GRAVITY,))
    addresses = _take_settings(setup, report, files)
    tables: dict[str, list[Row]] = {}
    database = gravity or files.get(_GRAVITY)
    if database is not None:
        try:
            tables = _tables(database, report)
        except ImporterError as error:
            report.left(Kind.SETTING, _GRAVITY, str(error), Place(_GRAVITY))
    if set(files) & set(LEGACY_TABLES):
        if tables:
            why = "gravity.db is read instead"
            for name in (name for name in LEGACY_TABLES if name in files):
                report.left(Kind.SETTING, name, why, Place(name))
        else:
            tables = legacy_rows(files, report)
    if tables:
        take_tables(setup, report, tables, addresses)


def _members(report: Report, archive: Archive, *, given: Sequence[str] = ()) -> dict[str, bytes]:
    """The members that are read, by their name without folders; the others are reported.

    Of several with one name, the one in the shallowest folder is read. Those that are ``given`` are
    read by the caller.
    """
    files: dict[str, bytes] = {}
    for name in sorted(archive.names, key=lambda name: (name.count("/"), name)):
        base = _base(name)
        if not _is_wanted(name):
            why = _DNSMASQ if "dnsmasq.d/" in name else _LEFT.get(base, _UNKNOWN)
            report.left(Kind.SETTING, name, why, Place(name))
        elif name in given:
            report.taken(Kind.SETTING, name, _READ, Place(base))
        elif base in files or base in given:
            report.left(Kind.SETTING, name, f"another {base} is read", Place(name))
        elif (octets := archive.read(name)) is not None:
            files[base] = octets
            report.taken(Kind.SETTING, name, _READ, Place(base))
    return files


def _take_settings(setup: Setup, report: Report, files: Mapping[str, bytes]) -> ClientAddresses:
    root = Section({}, report)
    lines: list[str] = []
    if _TOML in files:
        try:
            if len(files[_TOML]) > MAX_STRUCTURED:
                raise ImporterError("it is larger than in any export")
            root = read_toml(files[_TOML], _TOML, report)
        except ImporterError as error:
            report.left(Kind.SETTING, _TOML, str(error), Place(_TOML))
    elif any(name in files for name in _LEGACY_FILES):
        settings, lines = legacy_settings(files, report)
        root = Section(settings, report)
    addresses = ClientAddresses.of(
        root.under("dns").texts("hosts"), root.under("dhcp").texts("hosts")
    )
    take_settings(setup, report, root)
    take_dnsmasq(setup, report, lines, "05-pihole-custom-cname.conf")
    return addresses
