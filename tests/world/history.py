"""A query log of an engine, and the history made of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from keyhole.querylog.history import Criteria, History, Retention
from keyhole.querylog.intake import Intake

FOREVER = Retention(10**9, 2**50)


def line(moment: int, **changes: Any) -> dict[str, Any]:
    """A query at a time, in microseconds."""
    told = datetime.fromtimestamp(moment / 1e6, UTC).isoformat(timespec="microseconds")
    return {
        "time": told.replace("+00:00", "Z"),
        "transport": "udp",
        "client": "192.0.2.1",
        "identity": None,
        "token": None,
        "policy": "home",
        "name": "www.example.org",
        "type": "A",
        "outcome": "answered",
        "reason": "forwarded",
        "rule": None,
        "list": None,
        "observed": None,
        "upstream": "quad9",
        "duration_us": 0,
        "snapshot": 1,
        **changes,
    }


class Place:
    """A query log of an engine, and the history made of it."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "log"
        self.root = self.spool / "history"
        self.spool.mkdir(parents=True, exist_ok=True)
        self._opened: list[History] = []

    def write(self, *lines: dict[str, Any] | bytes, file: str = "queries.jsonl") -> None:
        """Appends as the engine does."""
        with (self.spool / file).open("ab") as out:
            for one in lines:
                out.write(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n")

    def open(self, retention: Retention = FOREVER, intake: Intake | None = None) -> History:
        """The history, opened like by a process that starts now."""
        history = History(self.root, self.spool, retention, intake)
        self._opened.append(history)
        return history

    def close(self) -> None:
        """Closes all histories."""
        for history in self._opened:
            history.close()


def names(history: History, wanted: Criteria | None = None) -> list[str]:
    """All matching names, newest first, read page by page."""
    found: list[str] = []
    after = None
    while True:
        page = history.search(wanted or Criteria(), limit=7, after=after)
        found += [row.fields["name"] for row in page.rows]
        after = page.next
        if after is None:
            return found


@contextmanager
def at_each_write(look: Callable[[], None]) -> Iterator[None]:
    """Calls ``look`` before and after each file that is replaced, and after each that is removed:
    a kill may leave any of these states of the disk."""
    replace, unlink = Path.replace, Path.unlink

    def replaced(self: Path, target: Path) -> Path:
        look()
        done = replace(self, target)
        look()
        return done

    def unlinked(self: Path, missing_ok: bool = False) -> None:
        unlink(self, missing_ok)
        look()

    with patch.object(Path, "replace", replaced), patch.object(Path, "unlink", unlinked):
        yield
