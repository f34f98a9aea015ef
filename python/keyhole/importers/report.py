"""Reports for each item of a product's settings how it was imported."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


class Disposition(enum.StrEnum):
    """How an item was imported."""

    TAKEN = "taken"
    """Keyhole does the same."""
    CHANGED = "changed"
    """Keyhole does something similar; the reason says what differs."""
    LEFT = "left"
    """It was not imported; the reason says why, and what to do instead."""


class Kind(enum.StrEnum):
    """The kind of an item, in the order of a report."""

    UPSTREAM = "upstream"
    FORWARDING = "forwarding"
    GROUP = "group"
    CLIENT = "client"
    LIST = "list"
    RULE = "rule"
    SCHEDULE = "schedule"
    RECORD = "record"
    SETTING = "setting"


@dataclass(frozen=True)
class Item:
    """One item, and how it was imported."""

    kind: Kind
    name: str
    """Its name in the other product; untrusted text."""
    disposition: Disposition
    why: str = ""

    def document(self) -> dict[str, str]:
        """The item as JSON."""
        return {"kind": self.kind, "name": self.name, "fate": self.disposition, "why": self.why}


@dataclass
class Report:
    """All items, in the order in which they were found."""

    items: list[Item] = field(default_factory=list)

    def taken(self, kind: Kind, name: str, why: str = "") -> None:
        """Adds an item that Keyhole handles in the same way."""
        self.items.append(Item(kind, name, Disposition.TAKEN, why))

    def changed(self, kind: Kind, name: str, why: str) -> None:
        """Adds an item that Keyhole handles in another way."""
        self.items.append(Item(kind, name, Disposition.CHANGED, why))

    def left(self, kind: Kind, name: str, why: str) -> None:
        """Adds an item that was not imported."""
        self.items.append(Item(kind, name, Disposition.LEFT, why))

    def add(self, kind: Kind, name: str, changes: Iterable[str], note: str = "") -> None:
        """Adds an item as changed where there are changes, else as taken."""
        why = "; ".join(changes)
        if why:
            self.changed(kind, name, why)
        else:
            self.taken(kind, name, note)

    def revise(self, kind: Kind, name: str, why: str) -> None:
        """Marks an item as left after it was added."""
        self.items = [
            Item(kind, name, Disposition.LEFT, why) if (one.kind, one.name) == (kind, name) else one
            for one in self.items
        ]

    def sorted(self) -> list[Item]:
        """The items, grouped by kind."""
        order = list(Kind)
        return sorted(self.items, key=lambda item: order.index(item.kind))

    def counts(self) -> dict[str, dict[str, int]]:
        """The number of items by kind and disposition; kinds without items are omitted."""
        return {
            kind: {
                disposition: sum(
                    item.kind is kind and item.disposition is disposition for item in self.items
                )
                for disposition in Disposition
            }
            for kind in Kind
            if any(item.kind is kind for item in self.items)
        }

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {"counts": self.counts(), "items": [item.document() for item in self.sorted()]}
