"""Reports for each item of a product's settings how it was imported, and where it stands."""

import enum
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from keyhole.importers.settings_file import Place, SettingsFile


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
    place: Place | None = None
    """Where it stands; none where the format has no such place."""

    def document(self) -> dict[str, str | int]:
        """The item as JSON."""
        written: dict[str, str | int] = {
            "kind": self.kind,
            "name": self.name,
            "fate": self.disposition,
            "why": self.why,
        }
        if self.place is not None:
            written |= {"file": self.place.file, "path": self.place.path}
            if self.place.line:
                written["line"] = self.place.line
        return written


@dataclass
class Report:
    """All items, in the order in which they were found."""

    items: list[Item] = field(default_factory=list)
    files: list[SettingsFile] = field(default_factory=list)
    """The files with keys that were read."""
    _texts: dict[str, deque[Place]] = field(default_factory=dict)
    """Where each text of a file stands; a text that stands twice is found in order."""
    _here: list[Place] = field(default_factory=list)

    def taken(self, kind: Kind, name: str, why: str = "", at: Place | None = None) -> None:
        """Adds an item that Keyhole handles in the same way."""
        self._add(kind, name, Disposition.TAKEN, why, at)

    def changed(self, kind: Kind, name: str, why: str, at: Place | None = None) -> None:
        """Adds an item that Keyhole handles in another way."""
        self._add(kind, name, Disposition.CHANGED, why, at)

    def left(self, kind: Kind, name: str, why: str, at: Place | None = None) -> None:
        """Adds an item that was not imported."""
        self._add(kind, name, Disposition.LEFT, why, at)

    def add(
        self,
        kind: Kind,
        name: str,
        changes: Iterable[str],
        note: str = "",
        at: Place | None = None,
    ) -> None:
        """Adds an item as changed where there are changes, else as taken."""
        why = "; ".join(changes)
        if why:
            self.changed(kind, name, why, at)
        else:
            self.taken(kind, name, note, at)

    def leave_member(self, name: str, why: str) -> None:
        """Adds a member of an archive that is not read."""
        self.left(Kind.SETTING, name, why, Place(name))

    def revise(self, kind: Kind, name: str, why: str) -> bool:
        """Marks an item as left after it was added; whether there is such an item."""
        found = [(one.kind, one.name) == (kind, name) for one in self.items]
        self.items = [
            replace(one, disposition=Disposition.LEFT, why=why) if is_it else one
            for one, is_it in zip(self.items, found, strict=True)
        ]
        return any(found)

    def note(self, text: str, place: Place) -> None:
        """Remembers where a text stands, for items that are named after it."""
        self._texts.setdefault(text.strip(), deque()).append(place)

    @contextmanager
    def at(self, place: Place | None) -> Iterator[None]:
        """Items that are added inside stand here, if their name is no better hint."""
        self._here += [place] if place else []
        try:
            yield
        finally:
            self._here = self._here[:-1] if place else self._here

    def inside(self, text: str) -> Iterator[str]:
        """The lines of a text that stands in the file as a block; items of each stand at it."""
        place = self.here or self.find(text, take=False)
        for number, line in enumerate(text.splitlines(), 1):
            at = replace(place, line=place.line + number) if place and place.line else place
            with self.at(at):
                yield line

    @property
    def here(self) -> Place | None:
        """The place that `at` set."""
        return self._here[-1] if self._here else None

    def derive(self, title: str, text: str) -> None:
        """Remembers that the item ``title`` stands here or, if that is unknown, where ``text``
        does."""
        if place := self.here or self.find(text, take=False):
            self.note(title, place)

    def place_of(self, path: str) -> Place | None:
        """The place of a dotted path; none where no file has it."""
        places = (file.place(path) for file in self.files if path in file.lines)
        return next(places, None)

    def sorted(self) -> list[Item]:
        """The items, grouped by kind."""
        order = list(Kind)
        return sorted(self.items, key=lambda item: order.index(item.kind))

    def counts(self) -> dict[str, dict[str, int]]:
        """The number of items by kind and disposition; kinds without items are omitted."""
        counts: dict[str, dict[str, int]] = {}
        for kind in Kind:
            some = [item.disposition for item in self.items if item.kind is kind]
            if some:
                counts[kind] = {one: some.count(one) for one in Disposition}
        return counts

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {"counts": self.counts(), "items": [item.document() for item in self.sorted()]}

    def _add(
        self, kind: Kind, name: str, disposition: Disposition, why: str, at: Place | None
    ) -> None:
        place = at or self.find(name, take=True) or self.here
        self.items.append(Item(kind, name, disposition, why, place))

    def find(self, name: str, *, take: bool = False) -> Place | None:
        """The place of an item by its name: a text of the file, a path, or both."""
        text = name.strip()
        candidates = (text, text.rpartition(": ")[2], text.partition(" = ")[0])
        known = next((self._texts[one] for one in candidates if one in self._texts), None)
        if known is not None:
            return known.popleft() if take and len(known) > 1 else known[0]
        for path in (text, text.partition(" = ")[0]):
            if path and (place := self.place_of(path)):
                return place
        return None
