"""Imports the settings of other products: reads a file, reports each item, plans documents.

The files are untrusted input. This package writes nothing to disk but temporary copies of
databases; ``keyhole.control.import_settings`` is the use case.
"""

from collections.abc import Callable
from pathlib import Path

from keyhole.importers.account import account
from keyhole.importers.adguard import read_adguard
from keyhole.importers.blocky import read_blocky
from keyhole.importers.document import Document
from keyhole.importers.error import ImporterError
from keyhole.importers.pihole import read_pihole
from keyhole.importers.plan import plan
from keyhole.importers.product_settings import Setup
from keyhole.importers.prune import prune
from keyhole.importers.report import Disposition, Item, Kind, Report
from keyhole.importers.technitium import read_technitium
from keyhole.importers.write import write

READERS: dict[str, Callable[[Path, Report], Setup]] = {
    "pihole": read_pihole,
    "adguard": read_adguard,
    "blocky": read_blocky,
    "technitium": read_technitium,
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
