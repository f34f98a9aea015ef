"""Imports the settings of other products: reads a file, reports each item, plans documents.

The files are untrusted input. This package writes nothing to disk but temporary copies of
databases; ``keyhole.control.import_settings`` is the use case.
"""

from collections.abc import Callable
from pathlib import Path

from keyhole.importers.account import account
from keyhole.importers.document import Document
from keyhole.importers.error import ImporterError
from keyhole.importers.plan import plan
from keyhole.importers.product_settings import Setup
from keyhole.importers.prune import prune
from keyhole.importers.report import Disposition, Item, Kind, Report
from keyhole.importers.write import write


# A resolver starts with the API and imports no settings of others: each reader is loaded when
# somebody has a file for it.
def _read_pihole(file: Path, report: Report) -> Setup:
    from keyhole.importers.pihole import read_pihole

    return read_pihole(file, report)


def _read_adguard(file: Path, report: Report) -> Setup:
    from keyhole.importers.adguard import read_adguard

    return read_adguard(file, report)


def _read_blocky(file: Path, report: Report) -> Setup:
    from keyhole.importers.blocky import read_blocky

    return read_blocky(file, report)


def _read_technitium(file: Path, report: Report) -> Setup:
    from keyhole.importers.technitium import read_technitium

    return read_technitium(file, report)


def _read_dnsmasq(file: Path, report: Report) -> Setup:
    from keyhole.importers.dnsmasq import read_dnsmasq

    return read_dnsmasq(file, report)


def _read_unbound(file: Path, report: Report) -> Setup:
    from keyhole.importers.unbound import read_unbound

    return read_unbound(file, report)


READERS: dict[str, Callable[[Path, Report], Setup]] = {
    "pihole": _read_pihole,
    "adguard": _read_adguard,
    "blocky": _read_blocky,
    "technitium": _read_technitium,
    "dnsmasq": _read_dnsmasq,
    "unbound": _read_unbound,
}
"""The reader of each product's file."""

__all__ = [
    "READERS",
    "Disposition",
    "Document",
    "ImporterError",
    "Item",
    "Kind",
    "Report",
    "Setup",
    "account",
    "plan",
    "prune",
    "write",
]
