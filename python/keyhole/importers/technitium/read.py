"""Reads Technitium's backup, from its documented and observed file formats.

Settings and lists are binary, in a few known versions; apps store JSON. Zones are binary in many
undocumented versions, and are not imported.
"""

from collections.abc import Callable
from pathlib import Path

from keyhole.importers.archive import Archive, open_zip
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_BINARY
from keyhole.importers.product_settings import Bundle, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place
from keyhole.importers.technitium.advanced_blocking import take_advanced_blocking
from keyhole.importers.technitium.left import APP_REASONS
from keyhole.importers.technitium.lists import take_block_lists, take_names
from keyhole.importers.technitium.settings import BLOCKING, take_dns_settings
from keyhole.importers.typed_reader import read_json

_ADVANCED_BLOCKING = "apps/Advanced Blocking/dnsApp.config"
_LEFT = {
    "auth.config": "users of Technitium; see the guide to Keyhole's own accounts",
    "webservice.config": "it configures Technitium's own programs; see keyhole.yaml",
    "cluster.config": "it configures Technitium's own programs; see keyhole.yaml",
    "log.config": "see log in keyhole.yaml",
}
_FOLDERS = (
    ("apps/", "Keyhole has no apps; write documents with the same effect where they exist"),
    ("blocklists/", "a downloaded list; Keyhole downloads it itself"),
    ("stats/", "statistics of Technitium; Keyhole keeps its own"),
    ("logs/", "logs of Technitium; Keyhole keeps its own"),
    ("zones/", "it is about zones, which are not imported"),
)
_UNKNOWN = "only Technitium's settings of blocking and forwarding are read"
_READ = "it is read; its settings are reported by themselves"
_BINARY: dict[str, Callable[[Setup, Report, bytes], None]] = {
    "dns.config": take_dns_settings,
    "blocklist.config": take_block_lists,
    "allowed.config": lambda setup, report, octets: take_names(setup, report, octets, allow=True),
    "blocked.config": lambda setup, report, octets: take_names(setup, report, octets, allow=False),
}


def read_technitium(file: Path, report: Report) -> Setup:
    """Reads the backup; raises `ImporterError` where it is not Technitium's."""
    if not file.is_file():
        raise ImporterError(f"there is no file {file}")
    setup = Setup("Technitium DNS Server", default_bundles=(BLOCKING,), reasons=APP_REASONS)
    setup.bundles[BLOCKING] = Bundle(BLOCKING, origin="allowed, blocked and block lists")
    with open_zip(file, report.leave_member) as archive:
        if not {*_BINARY, _ADVANCED_BLOCKING} & set(archive.names):
            raise ImporterError(
                f"{file.name} holds none of {', '.join(_BINARY)}; make a backup in Settings, Backup"
            )
        for name, take in _BINARY.items():
            _take(setup, report, archive, name, take)
        _app(setup, report, archive)
        for name in archive.names:
            _left(report, name)
    _differences(setup, report)
    return setup


def _take(
    setup: Setup,
    report: Report,
    archive: Archive,
    name: str,
    take: Callable[[Setup, Report, bytes], None],
) -> None:
    octets = archive.read(name, MAX_BINARY)
    if octets is None:
        return
    try:
        take(setup, report, octets)
    except ValueError as error:
        report.left(Kind.SETTING, name, f"it cannot be read: {error}", Place(name))
    else:
        report.taken(Kind.SETTING, name, _READ, Place(name))


def _app(setup: Setup, report: Report, archive: Archive) -> None:
    octets = archive.read(_ADVANCED_BLOCKING)
    if octets is None:
        return
    try:
        section = read_json(octets, _ADVANCED_BLOCKING, report)
    except ImporterError as error:
        report.left(Kind.SETTING, _ADVANCED_BLOCKING, str(error), Place(_ADVANCED_BLOCKING))
        return
    report.taken(Kind.SETTING, _ADVANCED_BLOCKING, _READ, Place(_ADVANCED_BLOCKING))
    take_advanced_blocking(setup, report, section)


def _left(report: Report, name: str) -> None:
    if name in _LEFT:
        report.left(Kind.SETTING, name, _LEFT[name], Place(name))
    elif name.startswith("zones/") and name.endswith(".zone"):
        zone = name.removeprefix("zones/").removesuffix(".zone")
        why = (
            "the binary format of zones is not documented; export the zone as text (Zones, "
            "Export) and write a Record for each name that you need; for a conditional forwarder "
            f"zone write an Upstream with domains: [{zone}]"
        )
        report.left(Kind.RECORD, f"zone {zone}", why, Place(name))
    elif name in (*_BINARY, _ADVANCED_BLOCKING):
        return
    elif name.startswith("scopes/"):
        report.left(Kind.SETTING, name, "Keyhole is no DHCP server; use the router's", Place(name))
    else:
        why = next((why for begin, why in _FOLDERS if name.startswith(begin)), _UNKNOWN)
        report.left(Kind.SETTING, name, why, Place(name))


def _differences(setup: Setup, report: Report) -> None:
    if any(bundle.lists for bundle in setup.bundles.values()):
        report.changed(
            Kind.SETTING, "names below a name on a list",
            "Technitium blocks them too; in Keyhole the format of a list decides, and a plain name "
            "means that name alone",
        )  # fmt: skip
    if any(source.allow for bundle in setup.bundles.values() for source in bundle.lists):
        report.changed(
            Kind.SETTING, "allow lists against blocked names",
            "in Technitium allowed names win over blocked ones; in Keyhole rules win over lists",
        )  # fmt: skip
    report.changed(
        Kind.SETTING, "private addresses in answers",
        "Technitium passes private addresses in answers for public names, unless an app removes "
        "them; Keyhole removes them (DNS rebinding) unless a policy says privateAddresses: allow",
    )  # fmt: skip
