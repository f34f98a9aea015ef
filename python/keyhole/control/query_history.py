"""Keeps the history of queries while Keyhole runs."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import Settings

if TYPE_CHECKING:
    from keyhole.querylog.history import History
    from keyhole.querylog.spool import Position

INGEST_SECONDS = 5.0
CLEANUP_SECONDS = 300.0
POLL_SECONDS = 0.3
MAX_BATCH = 200
"""Queries that one listener is sent at once; what is beyond is counted and left out."""
MAX_LISTENERS = 16
MAX_EXPORTS = 2
"""At once: each may take the disk and the time of a million queries."""
HITS_SECONDS = 5.0
"""How long counts of hits are remembered: whoever watches a download asks often."""
_DAY_US = 86_400_000_000


def query_history(settings: Settings, data: DataFolder, notify: Notify) -> "QueryHistory | None":
    """The history that the settings want; none where they want none, or no query log."""
    log = settings.written.log
    if not log.keep or not log.history:
        return None
    bounds = Bounds(log.retention, log.history, log.statistics, log.anonymize_after)
    return QueryHistory(data.history, data.query_log.parent, bounds, notify)


@dataclass(frozen=True)
class Bounds:
    """What is kept: rows of so many seconds in so many octets, and counts of so many seconds; and
    after how many nobody is named, if ever."""

    age: float
    octets: int
    statistics: float
    anonymize_after: float | None


@dataclass
class LiveQueries:
    """What a listener is sent: queries, and how many were left out before them."""

    queries: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0


class Export:
    """A file that is being made or sent; it counts until its ``end``."""

    def __init__(self, slots: threading.Semaphore) -> None:
        self._slots: threading.Semaphore | None = slots
        self.path: Path | None = None

    def end(self) -> None:
        """Removes the file and makes room for another one; once is enough."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class QueryHistory:
    """The history, opened by whoever needs it first."""

    def __init__(self, root: Path, spool: Path, bounds: Bounds, notify: Notify) -> None:
        self._root = root
        self._spool = spool
        self._bounds = bounds
        self._notify = notify
        self._history: History | None = None
        self._opening = threading.Lock()
        self._is_failing = False
        self._listeners = 0
        self._exports = threading.Semaphore(MAX_EXPORTS)
        self._hits: tuple[float, dict[str, int] | None] = (0.0, None)

    def history(self) -> "History":
        """The history; blocks while it is opened. Raises ``OSError`` and ``duckdb.Error``."""
        # Imported here: DNS must not wait for a database of columns.
        from keyhole.querylog.history import History, Retention

        with self._opening:
            if self._history is None:
                bounds = self._bounds
                retention = Retention(
                    bounds.age, bounds.octets, bounds.statistics, bounds.anonymize_after
                )
                self._history = History(self._root, self._spool, retention)
            return self._history

    def begin_export(self) -> Export:
        """Room for one export; raises ``ControlError`` where there is none."""
        if not self._exports.acquire(blocking=False):
            raise ControlError(f"{MAX_EXPORTS} exports are made already; try again in a moment")
        return Export(self._exports)

    def hits(self) -> dict[str, int] | None:
        """How many queries of the last day each list decided; none where that cannot be known now.

        Blocks, and may be some seconds old.
        """
        import duckdb

        at, hits = self._hits
        if time.monotonic() - at >= HITS_SECONDS or hits is None:
            now = int(time.time() * 1_000_000)
            try:
                tops = self.history().tops("list", now - _DAY_US, now + 1, most=1_000)
            except (OSError, duckdb.Error):
                return None
            hits = {top.value: top.total for top in tops}
            self._hits = (time.monotonic(), hits)
        return hits

    async def run(self) -> None:
        """Takes in and tidies up, again and again, until it is cancelled."""
        cleaned_at = 0.0
        while True:
            await asyncio.sleep(INGEST_SECONDS)
            needs_cleanup = time.monotonic() - cleaned_at >= CLEANUP_SECONDS
            await asyncio.to_thread(self._work, needs_cleanup)
            if needs_cleanup:
                cleaned_at = time.monotonic()

    def _work(self, needs_cleanup: bool) -> None:
        import duckdb

        try:
            history = self.history()
            history.ingest()
            if needs_cleanup:
                history.maintain()
        except (OSError, duckdb.Error) as error:
            if not self._is_failing:
                self._is_failing = True
                text = "the history of queries is not written; it is tried again every few seconds"
                self._notify(Notice(Severity.WARNING, text, (str(error).splitlines()[0],)))
            return
        if self._is_failing:
            self._is_failing = False
            self._notify(Notice(Severity.SUCCESS, "the history of queries is written again"))

    async def listen(self) -> AsyncIterator[LiveQueries]:
        """What comes from now on, until the caller leaves; an empty one now and then says that
        nothing came. Raises ``ControlError`` where too many listen already."""
        if self._listeners >= MAX_LISTENERS:
            raise ControlError(f"{MAX_LISTENERS} listen already; try again later")
        self._listeners += 1
        try:
            position = await asyncio.to_thread(self._end_position)
            while True:
                batch, position = await asyncio.to_thread(self._read_new, position)
                yield batch
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self._listeners -= 1

    def _end_position(self) -> "Position | None":
        from keyhole.querylog.spool import Position, identity

        newest = self._spool / "queries.jsonl"
        spool = identity(newest)
        return Position(spool, newest.stat().st_size) if spool else None

    def _read_new(self, position: "Position | None") -> "tuple[LiveQueries, Position | None]":
        from keyhole.querylog.spool import pieces

        batch = LiveQueries()
        for piece in pieces(self._spool, position):
            position = piece.position
            lines = piece.lines.splitlines()
            batch.left_out += max(0, len(lines) - MAX_BATCH)
            for line in lines[-MAX_BATCH:]:
                found = _read(line)
                if "lost" in found:
                    batch.left_out += int(found["lost"])
                elif found:
                    batch.queries.append(found)
        return batch, position

    def close(self) -> None:
        """Lets go of the files."""
        if self._history is not None:
            self._history.close()


def _read(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
