"""Maintains the query history while Keyhole runs."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyhole.control.clock import ClockWatch
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.ingest_pace import IngestPace
from keyhole.control.listeners import Listeners
from keyhole.control.notice import Notify
from keyhole.control.parts import HISTORY, Parts
from keyhole.control.settings import Settings
from keyhole.querylog.place import NO_QUERY, ReadingPlace
from keyhole.system.heap import release_code, trim

if TYPE_CHECKING:
    from keyhole.querylog.history import Criteria, History
    from keyhole.querylog.intake import Intake
    from keyhole.querylog.spool import Position

INGEST_SECONDS = 5.0
"""How often it is looked whether there is enough to ingest."""
CLEANUP_SECONDS = 300.0
WORK_SECONDS = 600.0
"""How long joining and anonymizing millions of rows may take."""
POLL_SECONDS = 0.3
MAX_BATCH = 200
"""Queries sent to one listener at a time; more are counted and left out."""
MAX_MATCHED = 5_000
"""Lines that are matched for one listener at a time; more are counted and left out."""
MAX_LISTENERS = 16
MAX_EXPORTS = 2
"""Exports at the same time: each may hold a million queries on the disk."""
MAX_DAMAGED = 5
"""Damaged segments that are told one by one."""
HITS_SECONDS = 5.0
"""How long hit counts are cached: a client that watches a download asks often."""
_DAY_US = 86_400_000_000


def query_history(
    settings: Settings,
    data: DataFolder,
    notify: Notify,
    parts: Parts,
    clock: ClockWatch,
    intake: "Intake | None" = None,
) -> "QueryHistory | None":
    """The history of the settings; none if the history or the query log is off. ``intake`` numbers
    its rows."""
    log = settings.written.log
    if not log.keep or not log.history:
        return None
    bounds = Bounds(log.retention, log.history, log.statistics, log.anonymize_after)
    pace = IngestPace(data.query_log, log.keep)
    return QueryHistory(
        data.history, data.query_log.parent, bounds, notify, parts, clock, pace, intake
    )


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
        pace: IngestPace,
        intake: "Intake | None" = None,
    ) -> None:
        self._intake = intake
        self._parts = parts
        self._clock = clock
        self._pace = pace
        self._root = root
        self._spool = spool
        self._bounds = bounds
        self._notify = notify
        self._history: History | None = None
        self._is_closed = False
        self._opening = threading.Lock()
        self._listeners = Listeners(MAX_LISTENERS)
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
                self._history = History(self._root, self._spool, retention, self._intake)
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

    def asked_names(self, most: int, *, is_withheld: bool) -> dict[str, int]:
        """The most frequent names of the last day with their number of queries, of those that were
        answered, or of those that were blocked or refused; none on an error. Blocks."""
        import duckdb

        now = int(time.time() * 1_000_000)
        try:
            tops = self.history().tops(
                "name",
                now - _DAY_US,
                now + 1,
                most=most,
                is_withheld=is_withheld,
                is_passed=not is_withheld,
            )
        except (OSError, duckdb.Error):
            return {}
        return {
            top.value: top.withheld if is_withheld else top.total - top.withheld for top in tops
        }

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
            # Who counts new rows has no other way to them.
            is_due = self._pace.is_due() or needs_cleanup
            # Who searched or sent lines of another engine has left something to do, too.
            has_work = needs_cleanup or self._pace.has_news or not history.is_at_rest
            if has_work and (is_due or history.fresh_edges.is_watched):
                history.ingest()
                history.join_new()
                self._pace.done()
            if needs_cleanup:
                history.maintain()
            if has_work and is_due:
                history.rest()
                release_code()
                trim()
        except (OSError, duckdb.Error) as error:
            self._pace.failed()
            if self._is_closed:
                return  # this thread goes on for a moment while Keyhole stops
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

    def listen(self, who: str, criteria: "Criteria | None" = None) -> AsyncIterator[LiveQueries]:
        """Yields new queries that match until ``who`` stops, and an empty batch if there are
        none. Raises ``ControlError`` if there are too many listeners; what it
        returns raises ``OSError`` and ``duckdb.Error``."""
        self._listeners.check(who)
        return self._listen(who, criteria)

    async def _listen(self, who: str, criteria: "Criteria | None") -> AsyncIterator[LiveQueries]:
        with self._listeners.place(who):
            place = ReadingPlace()
            position = await asyncio.to_thread(self._end_position, place)
            while True:
                read = partial(self._read_new, position, place, criteria)
                batch, position = await asyncio.to_thread(read)
                yield batch
                await asyncio.sleep(POLL_SECONDS)

    def _end_position(self, place: ReadingPlace) -> "Position | None":
        from keyhole.querylog.spool import pieces

        position = None
        for piece in pieces(self._spool, None):
            place.skip(piece.lines)
            position = piece.position
        return position

    def _read_new(
        self, position: "Position | None", place: ReadingPlace, criteria: "Criteria | None"
    ) -> "tuple[LiveQueries, Position | None]":
        from keyhole.querylog.spool import pieces

        batch = LiveQueries()
        most = MAX_BATCH if criteria is None else MAX_MATCHED
        for piece in pieces(self._spool, position):
            position = piece.position
            lines = piece.lines.splitlines()
            batch.left_out += sum(map(place.missed, lines))
            lines = [line for line in lines if not line.startswith(NO_QUERY)]
            batch.left_out += max(0, len(lines) - most)
            queries = [one for one in map(_read, lines[-most:]) if one]
            if criteria is not None:
                queries = self._matching(criteria, queries)
                batch.left_out += max(0, len(queries) - MAX_BATCH)
            batch.queries += queries[-MAX_BATCH:]
        return batch, position

    def _matching(self, criteria: "Criteria", lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        from keyhole.querylog.history.live import matching_lines

        return matching_lines(self.history(), criteria, lines)

    def close(self) -> None:
        """Closes the files."""
        self._is_closed = True
        if self._history is not None:
            self._history.close()


def _read(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return {**found, "engine": "local"} if isinstance(found, dict) and found else {}
