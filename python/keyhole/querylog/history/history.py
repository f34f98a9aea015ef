"""The history in one folder: ingest, search, statistics and retention."""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import duckdb

from keyhole.querylog.history.anonymize import Anonymizer
from keyhole.querylog.history.cleanup import remove_leftovers
from keyhole.querylog.history.compact import compact, finish_joining
from keyhole.querylog.history.connect import connect
from keyhole.querylog.history.criteria import Criteria
from keyhole.querylog.history.damaged import (
    damaged_of,
    drop_damaged_indexes,
    set_aside,
    set_aside_names,
)
from keyhole.querylog.history.export import Format, export
from keyhole.querylog.history.ingest import Ingester
from keyhole.querylog.history.name_index import NameIndex, name_indexes, refresh
from keyhole.querylog.history.retain import Retention, retain
from keyhole.querylog.history.rollups import rollups
from keyhole.querylog.history.search import Key, SearchPage, search
from keyhole.querylog.history.segment import Segment, segments
from keyhole.querylog.history.statistics import (
    Statistics,
    Top,
    distinct,
    forwarded,
    series,
    tops,
    totals,
)
from keyhole.querylog.spool import Piece, Position

Answer = TypeVar("Answer")
LOCK_WAIT_SECONDS = 1.0
"""How long a query waits while another thread ingests or joins segments."""
DAY_SECONDS = 86_400
READING_SECONDS = 60.0
"""Pause between two readings of everything, in search of what cannot be read."""
_TRIES = 3


@dataclass(frozen=True)
class Size:
    """The size of the history."""

    rows: int
    octets: int
    begin: int | None
    """The time of the first row, in microseconds of Unix time."""
    counted: int | None
    """The time of the first query with counts, whose row may be gone."""
    lost: int
    """Events that engines could not write, since this process started."""


class History:
    """Safe to use from several threads; a search ingests new lines first."""

    def __init__(self, root: Path, spool: Path, retention: Retention) -> None:
        """``root`` is the folder of the history, ``spool`` the folder of the engine's log."""
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._retention = retention
        finish_joining(root)
        remove_leftovers(root)
        self._spool = spool
        self._ingester = Ingester(root)
        self._remote: dict[str, Ingester] = {}
        self._anonymizer = Anonymizer(root)
        self._database = connect(root)
        self._writing = threading.Lock()
        self._rollups: list[Segment] = []
        self._lexicons: list[NameIndex] = []
        self._segments: list[Segment] = []
        self._damaged: set[str] = set()
        self._next_reading = 0.0
        self._reload()

    @property
    def segments(self) -> list[Segment]:
        """The present segments, oldest first."""
        return self._segments

    def ingest(self) -> int:
        """Ingests new lines of the engine's log; returns the number of rows. Raises ``OSError`` and
        ``duckdb.Error``, for example on a full disk; the lines stay in the engine's log then."""
        with self._writing, self._cursor() as cursor:
            made = self._ingester.ingest(cursor, self._spool)
            if made:
                self._segments = segments(self._root)
        return sum(one.rows for one in made)

    def position_of(self, engine: str) -> Position | None:
        """How much of a remote engine's log is ingested; ``engine`` must be usable as part of a
        file name."""
        with self._writing:
            return self._ingester_of(engine).position

    def ingest_from(self, engine: str, piece: Piece) -> None:
        """Ingests lines of a remote engine, except those ingested before. Raises as ``ingest``
        does."""
        with self._writing, self._cursor() as cursor:
            ingester = self._ingester_of(engine)
            known = ingester.position
            is_same = known is not None and known.spool == piece.position.spool
            if known is not None and is_same and piece.position.offset <= known.offset:
                return
            if ingester.ingest_piece(cursor, piece):
                self._segments = segments(self._root)

    def _ingester_of(self, engine: str) -> Ingester:
        if engine not in self._remote:
            self._remote[engine] = Ingester(self._root, engine)
        return self._remote[engine]

    def maintain(self) -> int:
        """Joins small segments, removes old ones and those beyond the size limit, and removes
        clients from old queries; returns the number of removed rows."""
        with self._writing, self._cursor() as cursor:
            try:
                return self._maintain(cursor, time.time())
            finally:
                # After an error the steps before it are still effective.
                self._reload()

    def _maintain(self, cursor: duckdb.DuckDBPyConnection, now: float) -> int:
        gone = retain(cursor, self._root, self._retention, now)
        compact(cursor, self._root)
        if self._retention.anonymize_after is not None:
            # After joining, which could mix segments with and without clients.
            self._anonymizer.run(cursor, int((now - self._retention.anonymize_after) * 1_000_000))
        today = int(now) // DAY_SECONDS * DAY_SECONDS * 1_000_000
        settled = [one for one in segments(self._root) if one.end < today]
        refresh(cursor, self._root, settled)
        return gone

    def search(
        self, criteria: Criteria, *, limit: int = 100, after: Key | None = None
    ) -> SearchPage:
        """A page of queries, the newest first."""
        return self._query(
            lambda cursor, found: search(
                cursor, found, criteria, limit=limit, after=after, name_indexes=self._lexicons
            )
        )

    def totals(self, since: int, until: int) -> Statistics:
        """Counts of queries in a time span."""
        return self._query(
            lambda cursor, found: totals(cursor, found, since, until, rollups=self._rollups)
        )

    def series(
        self,
        since: int,
        until: int,
        points: int,
        by: Literal["outcome", "reason"] = "outcome",
    ) -> list[tuple[int, dict[str, int]]]:
        """Counts by outcome or reason in steps over a time span."""
        return self._query(
            lambda cursor, found: series(
                cursor, found, since, until, points, by, rollups=self._rollups
            )
        )

    def distinct(self, dimension: str, since: int, until: int) -> int:
        """The number of different values in a time span."""
        return self._query(
            lambda cursor, found: distinct(
                cursor, found, dimension, since, until, rollups=self._rollups
            )
        )

    def tops(
        self,
        dimension: str,
        since: int,
        until: int,
        *,
        most: int,
        is_withheld: bool = False,
        is_passed: bool = False,
    ) -> list[Top]:
        """The most frequent values in a time span."""
        return self._query(
            lambda cursor, found: tops(
                cursor,
                found,
                dimension,
                since,
                until,
                most=most,
                is_withheld=is_withheld,
                is_passed=is_passed,
                rollups=self._rollups,
            )
        )

    def forwarded(self, since: int, until: int) -> dict[str, int]:
        """How many queries were sent to each upstream."""
        return self._query(lambda cursor, found: forwarded(cursor, found, since, until))

    def export(self, criteria: Criteria, form: Format) -> Path:
        """Writes matching queries to a file, which the caller must delete."""
        target = self._root / ".scratch" / f"export-{secrets.token_hex(8)}.{form}"
        try:
            self._query(lambda cursor, found: export(cursor, found, criteria, form, target))
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return target

    @property
    def size(self) -> Size:
        """The size of the history."""
        found = self._segments
        return Size(
            rows=sum(one.rows for one in found),
            octets=sum(one.octets for one in (*self._rollups, *found)),
            begin=found[0].begin if found else None,
            counted=min((one.begin for one in (*self._rollups, *found)), default=None),
            lost=self._ingester.lost + sum(one.lost for one in self._remote.values()),
        )

    def close(self) -> None:
        """Closes the database connection."""
        self._database.close()

    @property
    def damaged(self) -> list[str]:
        """The segments that cannot be read and were set aside, by name."""
        return sorted({*set_aside_names(self._root), *self._damaged})

    def _reload(self) -> None:
        found = segments(self._root)
        past = rollups(self._root, found)
        self._leave_out(damaged_of([*found, *past]))
        self._segments = [one for one in found if one.stem not in self._damaged]
        self._rollups = [one for one in past if one.stem not in self._damaged]
        drop_damaged_indexes(name_indexes(self._root))
        self._lexicons = name_indexes(self._root)

    def _leave_out(self, damaged: Iterable[Segment]) -> bool:
        """Sets segments aside; whether there were any."""
        new = [one for one in damaged if one.stem not in self._damaged]
        for one in new:
            set_aside(self._root, one)
        self._damaged |= {one.stem for one in new}
        return bool(new)

    def _find_damaged(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """Reads all of each segment; whether one could not be read. Not often: it takes long."""
        if time.monotonic() < self._next_reading:
            return False
        self._next_reading = time.monotonic() + READING_SECONDS
        return self._leave_out(damaged_of([*self._segments, *self._rollups], cursor))

    def _query(self, query: Callable[[duckdb.DuckDBPyConnection, list[Segment]], Answer]) -> Answer:
        """Ingests new lines and runs a query; again where segments were joined or removed
        meanwhile.

        It waits only shortly for a running maintenance; new lines are in a later result then.
        """
        if self._writing.acquire(timeout=LOCK_WAIT_SECONDS):
            self._writing.release()
            self.ingest()
        for tries_left in reversed(range(_TRIES)):
            with self._cursor() as cursor:
                try:
                    return query(cursor, self._segments)
                except duckdb.Error as error:
                    is_moved = isinstance(error, duckdb.IOException)
                    if not tries_left or not (self._find_damaged(cursor) or is_moved):
                        raise
            self._reload()
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._database.cursor()
        try:
            yield cursor
        finally:
            cursor.close()
