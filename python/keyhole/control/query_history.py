"""Maintains the query history while Keyhole runs."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyhole.control.clock import ClockWatch
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.notice import Notify
from keyhole.control.parts import HISTORY, Parts
from keyhole.control.settings import Settings

if TYPE_CHECKING:
    from keyhole.querylog.history import History
    from keyhole.querylog.spool import Position

INGEST_SECONDS = 5.0
CLEANUP_SECONDS = 300.0
WORK_SECONDS = 600.0
"""How long joining and anonymizing millions of rows may take."""
POLL_SECONDS = 0.3
MAX_BATCH = 200
"""Queries sent to one listener at a time; more are counted and left out."""
MAX_LISTENERS = 16
MAX_EXPORTS = 2
"""Exports at the same time: each may hold a million queries on the disk."""
MAX_DAMAGED = 5
"""Damaged segments that are told one by one."""
HITS_SECONDS = 5.0
"""How long hit counts are cached: a client that watches a download asks often."""
_DAY_US = 86_400_000_000


def query_history(
    settings: Settings, data: DataFolder, notify: Notify, parts: Parts, clock: ClockWatch
) -> "QueryHistory | None":
    """The history of the settings; none if the history or the query log is off."""
    log = settings.written.log
    if not log.keep or not log.history:
        return None
    bounds = Bounds(log.retention, log.history, log.statistics, log.anonymize_after)
    return QueryHistory(data.history, data.query_log.parent, bounds, notify, parts, clock)


@dataclass(frozen=True)
class Bounds:
    """The limits: age of rows in seconds, size in octets, age of statistics in seconds, and the
    age at which clients are anonymized, if ever."""

    age: float
    octets: int
    statistics: float
    anonymize_after: float | None


@dataclass
class LiveQueries:
    """A batch for a listener: queries, and how many were left out before them."""

    queries: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0


class Export:
    """An export file in progress; it takes one slot until ``end``."""

    def __init__(self, slots: threading.Semaphore) -> None:
        self._slots: threading.Semaphore | None = slots
        self.path: Path | None = None

    def end(self) -> None:
        """Removes the file and frees the slot; more calls have no effect."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class QueryHistory:
    """The history; the first use opens it."""

    def __init__(
        self,
        root: Path,
        spool: Path,
        bounds: Bounds,
        notify: Notify,
        parts: Parts,
        clock: ClockWatch,
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._root = root
        self._spool = spool
        self._bounds = bounds
        self._notify = notify
        self._history: History | None = None
        self._opening = threading.Lock()
        self._listeners = 0
        self._exports = threading.Semaphore(MAX_EXPORTS)
        self._hits: tuple[float, dict[str, int] | None] = (0.0, None)

    def history(self) -> "History":
        """The history; blocks while it opens. Raises ``OSError`` and ``duckdb.Error``."""
        # Imported here: loading DuckDB must not delay DNS at the start.
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
        """Takes a slot for an export; raises ``ControlError`` if none is free."""
        if not self._exports.acquire(blocking=False):
            raise ControlError(f"{MAX_EXPORTS} exports are made already; try again in a moment")
        return Export(self._exports)

    def hits(self) -> dict[str, int] | None:
        """The number of queries of the last day that each list decided; none on an error.

        Blocks. The result may be some seconds old.
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
        """Ingests and cleans up regularly, until it is cancelled."""
        cleaned_at: float | None = None
        while True:
            await asyncio.sleep(INGEST_SECONDS)
            is_due = cleaned_at is None or time.monotonic() - cleaned_at >= CLEANUP_SECONDS
            # By a clock that is ahead everything is old, and would be gone for good.
            needs_cleanup = is_due and self._clock.check() is None
            with self._parts.working(HISTORY, f"writing {self._root}", WORK_SECONDS):
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
            text = "the history of queries is not written; it is tried again every few seconds"
            self._parts.fail(HISTORY, f"{text}\n{error!s}")
            return
        self._parts.set(HISTORY, self._damage(history))

    def _damage(self, history: "History") -> str | None:
        """What is missing of the history because it cannot be read; none where nothing is."""
        damaged = history.damaged
        if not damaged:
            return None
        lines = [f"{one}: {one.segment.stem}.rows.parquet" for one in damaged[-MAX_DAMAGED:]]
        if more := len(damaged) - len(lines):
            lines.append(f"and {more} older ones")
        return "\n".join([f"what cannot be read was set aside in {self._root / 'damaged'}", *lines])

    async def listen(self) -> AsyncIterator[LiveQueries]:
        """Yields new queries until the caller stops, and an empty batch if there are none.
        Raises ``ControlError`` if there are too many listeners."""
        if self._listeners >= MAX_LISTENERS:
            raise ControlError(f"{MAX_LISTENERS} clients listen already; try again later")
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
        """Closes the files."""
        if self._history is not None:
            self._history.close()


def _read(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return {**found, "engine": "local"} if isinstance(found, dict) and found else {}
