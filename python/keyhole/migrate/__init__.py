"""Settings of other products: read as data from outside, told item by item, planned as documents.

Nothing here writes to the disk but copies of databases in a temporary folder; see
``keyhole.control.import_settings`` for the use case.
"""

from collections.abc import Callable
from pathlib import Path

from keyhole.migrate.adguard import read_adguard
from keyhole.migrate.blocky import read_blocky
from keyhole.migrate.error import MigrateError
from keyhole.migrate.pihole import read_pihole
from keyhole.migrate.plan import plan
from keyhole.migrate.report import Fate, Item, Kind, Report
from keyhole.migrate.setup import Setup
from keyhole.migrate.technitium import read_technitium
from keyhole.migrate.write import write

READERS: dict[str, Callable[[Path, Report], Setup]] = {
    "pihole": read_pihole,
    "adguard": read_adguard,
    "blocky": read_blocky,
    "technitium": read_technitium,
}
"""How the file of each product is read."""

__all__ = [
    "READERS",
    "Fate",
    "Item",
    "Kind",
    "MigrateError",
    "Report",
    "Setup",
    "plan",
    "write",
]
