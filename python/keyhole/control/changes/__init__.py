"""Documents change in one way, whoever wishes it and however they come."""

from keyhole.control.changes.change import Changes
from keyhole.control.changes.found import Found
from keyhole.control.changes.wish import (
    Actor,
    Effect,
    Outcome,
    Wish,
    find_kind,
    read_wishes,
    summary,
    with_version,
)

__all__ = [
    "Actor",
    "Changes",
    "Effect",
    "Found",
    "Outcome",
    "Wish",
    "find_kind",
    "read_wishes",
    "summary",
    "with_version",
]
