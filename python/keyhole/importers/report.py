"""What became of each thing that another product knew."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


class Disposition(enum.StrEnum):
    """What became of one thing."""

    TAKEN = "taken"
    """Keyhole does the same."""
    CHANGED = "changed"
    """Keyhole does something else that is near to it; the reason says what."""
    LEFT = "left"
    """Nothing in the documents stands for it; the reason says why, and what to do instead."""


class Kind(enum.StrEnum):
    """What a thing is, in the order of a report."""

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
    """One thing, and what became of it."""

    kind: Kind
    name: str
    """How the other product calls it; text from outside."""
    disposition: Disposition
    why: str = ""

    def document(self) -> dict[str, str]:
        """The same for a program."""
        return {"kind": self.kind, "name": self.name, "fate": self.disposition, "why": self.why}


@dataclass
class Report:
    """Everything that was found, in the order in which it was found."""

    items: list[Item] = field(default_factory=list)

    def taken(self, kind: Kind, name: str, why: str = "") -> None:
        """It means the same here."""
        self.items.append(Item(kind, name, Disposition.TAKEN, why))

    def changed(self, kind: Kind, name: str, why: str) -> None:
        """It is there and means something else."""
        self.items.append(Item(kind, name, Disposition.CHANGED, why))

    def left(self, kind: Kind, name: str, why: str) -> None:
        """It is not there."""
        self.items.append(Item(kind, name, Disposition.LEFT, why))

    def add(self, kind: Kind, name: str, changes: Iterable[str], note: str = "") -> None:
        """It is there, with what changed in it, if anything did."""
        why = "; ".join(changes)
        if why:
            self.changed(kind, name, why)
        else:
            self.taken(kind, name, note)

    def revise(self, kind: Kind, name: str, why: str) -> None:
        """It turned out that it is not there."""
        self.items = [
            Item(kind, name, Disposition.LEFT, why) if (one.kind, one.name) == (kind, name) else one
            for one in self.items
        ]

    def sorted(self) -> list[Item]:
        """The items, those of one kind together."""
        order = list(Kind)
        return sorted(self.items, key=lambda item: order.index(item.kind))

    def counts(self) -> dict[str, dict[str, int]]:
        """How many of each kind had each disposition; kinds that were not met are left out."""
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
        """The whole of it for a program."""
        return {"counts": self.counts(), "items": [item.document() for item in self.sorted()]}
