"""The history in one folder: ingest, search, statistics and retention."""

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import duckdb

from keyhole.querylog.history.anonymize import Anonymizer
from keyhole.querylog.history.askers import (
    Activity,
    Asker,
    AskerRow,
    Claims,
    activity,
    addresses,
    askers,
    has_token,
    last_seen,
)
from keyhole.querylog.history.cleanup import remove_leftovers
from keyhole.querylog.history.compact import NEW_ROWS, compact, finish_joining
from keyhole.querylog.history.connect import Connection
from keyhole.querylog.history.criteria import Criteria
from keyhole.querylog.history.damaged import SetAside, drop_damaged_indexes, drop_old
from keyhole.querylog.history.edges import EdgeCriteria, EdgeRow, edges, missing_edges
from keyhole.querylog.history.export import Format, export
from keyhole.querylog.history.fresh_edges import FreshEdges
from keyhole.querylog.history.hour_keys import (
    HOUR_US,
    Keys,
    forget_keys,
    had_keys,
    read_keys,
    save_keys,
)
from keyhole.querylog.history.ingesters import Ingesters
from keyhole.querylog.history.mender import Mender
from keyhole.querylog.history.name_index import NameIndex, name_indexes, refresh
from keyhole.querylog.history.removed import Removed, forget_removed, read_removed
from keyhole.querylog.history.retain import Retention, retain
from keyhole.querylog.history.rollups import rollups
from keyhole.querylog.history.search import Key, Order, SearchPage, search
from keyhole.querylog.history.segment import Segment, segments, write_row_schema
from keyhole.querylog.history.statistics import (
    Statistics,
    Top,
    add_to_series,
    distinct,
    forwarded,
    series,
    step_of,
    tops,
    totals,
)
from keyhole.querylog.history.uncounted import Missing, Uncounted
from keyhole.querylog.intake import Intake
from keyhole.querylog.spool import Piece, Position

Answer = TypeVar("Answer")
Question = Callable[[duckdb.DuckDBPyConnection, list[Segment], list[NameIndex]], Answer]
"""Reads the rows of these segments, with the help of these indexes."""
LOCK_WAIT_SECONDS = 1.0
"""How long a query waits while another thread ingests or joins segments."""
DAY_SECONDS = 86_400
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
    """Events that engines could not write since this process started, where they count nothing."""


class History:
    """Safe to use from several threads; a search ingests new lines first."""

    def __init__(
        self, root: Path, spool: Path, retention: Retention, intake: Intake | None = None
    ) -> None:
        """``root`` is the folder of the history, ``spool`` the folder of the engine's log,
        ``intake`` numbers new rows."""
        self._has_evidence = intake is not None
        self._intake = intake or Intake()
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._retention = retention
        finish_joining(root)
        remove_leftovers(root)
        self._uncounted = Uncounted(root)
        self._ingesters = Ingesters(root, spool, self._uncounted, self._intake)
        self._anonymizer = Anonymizer(root)
        self._database = Connection(root)
        self.fresh_edges = FreshEdges()
        """Counts of new rows, for who adds them up."""
        self._writing = threading.Lock()
        self._rollups: list[Segment] = []
        self._lexicons: list[NameIndex] = []
        self._segments: list[Segment] = []
        self._mender = Mender(root)
        with self._writing, self._cursor() as cursor:
            write_row_schema(cursor, root)
            self._mend(cursor, is_thorough=False)

    @property
    def segments(self) -> list[Segment]:
        """The present segments, oldest first."""
        return self._segments

    def ingest(self) -> int:
        """Ingests new lines of the engine's log; returns the number of rows. Raises ``OSError`` and
        ``duckdb.Error``, for example on a full disk; the lines stay in the engine's log then."""
        with self._writing:
            return self._ingest()

    def _ingest(self) -> int:
        with self._cursor() as cursor:
            records = self._ingesters.new_counts()
            made = self._ingesters.ingest(cursor)
            self._add(cursor, made)
            self._ingesters.settle(records)
        return sum(one.rows for one in made)

    def _add(self, cursor: duckdb.DuckDBPyConnection, made: list[Segment]) -> None:
        if made:
            self._segments = self._present()
            self.fresh_edges.add(cursor, made)

    def close_intake(self) -> tuple[int, list[Removed]]:
        """Takes new lines in and closes their number, so that no row gets it any more; returns it,
        and what retention has removed. Raises as `ingest` does."""
        with self._writing:
            self._ingest()
            return self._intake.close(), read_removed(self._root)

    def save_hour_keys(self, record: int, keys: Keys) -> None:
        """Keeps the keys of a record of the evidence chain. Raises ``OSError``."""
        with self._writing:
            save_keys(self._root, record, keys)

    def hour_keys(self, record: int) -> Keys:
        """The keys of a record, without those of hours whose clients or rows were removed."""
        return read_keys(self._root, record)

    def forget_removed(self, known: list[Removed]) -> None:
        """Forgets what was removed, unless more was removed since. Raises ``OSError``."""
        with self._writing:
            if read_removed(self._root) == known:
                forget_removed(self._root)

    def position_of(self, engine: str) -> Position | None:
        """How much of a remote engine's log is ingested; ``engine`` must be usable as part of a
        file name."""
        with self._writing:
            return self._ingesters.position_of(engine)

    def ingest_from(self, engine: str, piece: Piece, name: str = "") -> None:
        """Ingests lines of a remote engine, except those ingested before; rows keep its ``name``.
        Raises as ``ingest`` does."""
        with self._writing, self._cursor() as cursor:
            self._add(cursor, self._ingesters.ingest_from(cursor, engine, piece, name))

    def count_from(self, engine: str, lines: bytes) -> None:
        """Takes what a remote engine has counted; raises ``OSError``."""
        with self._writing:
            self._ingesters.count_from(engine, lines)

    def join_new(self) -> None:
        """Joins the smallest segments where they are many, so that a search opens few. Raises
        ``OSError`` and ``duckdb.Error``."""
        with self._writing, self._cursor() as cursor:
            if compact(cursor, self._root, self._segments, NEW_ROWS):
                self._segments = self._present()

    def maintain(self) -> int:
        """Joins small segments, removes old ones and those beyond the size limit, and removes
        clients from old queries; returns the number of removed rows."""
        with self._writing, self._cursor() as cursor:
            self._mend(cursor, is_thorough=False)
            try:
                return self._maintain(cursor, time.time())
            except duckdb.Error:
                if not self._mend(cursor, is_thorough=True):
                    raise
                return self._maintain(cursor, time.time())
            finally:
                # After an error the steps before it are still effective.
                self._reload()

    def _maintain(self, cursor: duckdb.DuckDBPyConnection, now: float) -> int:
        # Also while the evidence chain is off: when it goes on, it says what was removed meanwhile.
        is_noted = self._has_evidence or had_keys(self._root)
        gone = retain(cursor, self._root, self._retention, now, is_noted=is_noted)
        compact(cursor, self._root, segments(self._root))
        oldest = min((one.begin for one in segments(self._root)), default=int(now * 1_000_000))
        forget_keys(self._root, oldest // HOUR_US * HOUR_US)
        if self._retention.anonymize_after is not None:
            before = int((now - self._retention.anonymize_after) * 1_000_000)
            forget_keys(self._root, before)  # first: a crash leaves no key of what has no clients
            # After joining, which could mix segments with and without clients.
            self._anonymizer.run(cursor, before)
        today = int(now) // DAY_SECONDS * DAY_SECONDS * 1_000_000
        settled = [one for one in segments(self._root) if one.end < today]
        refresh(cursor, self._root, settled)
        counted = max(self._retention.statistics, self._retention.age)
        age = min(self._retention.age, self._retention.anonymize_after or self._retention.age)
        drop_old(self._root, int((now - age) * 1_000_000))
        self._uncounted.drop_old(int((now - counted) * 1_000_000))
        return gone

    def search(
        self,
        criteria: Criteria,
        *,
        limit: int = 100,
        after: Key | None = None,
        order: Order = "newest",
    ) -> SearchPage:
        """A page of queries."""
        return self.ask(
            lambda cursor, found, indexes: search(
                cursor,
                found,
                criteria,
                limit=limit,
                after=after,
                name_indexes=indexes,
                order=order,
            )
        )

    def ask(self, question: Question[Answer]) -> Answer:
        """Asks something else of the rows; the question may be asked again. Raises
        ``duckdb.Error``."""
        return self._query(lambda cursor, found: question(cursor, found, self._lexicons))

    def totals(self, since: int, until: int) -> Statistics:
        """Counts of queries in a time span; also of those without a row."""
        counts = self._query(
            lambda cursor, found: totals(cursor, found, since, until, rollups=self._rollups)
        )
        counts.add(self._missing(since, until))
        return counts

    def series(
        self,
        since: int,
        until: int,
        points: int,
        by: Literal["outcome", "reason"] = "outcome",
    ) -> list[tuple[int, dict[str, int]]]:
        """Counts by outcome or reason in steps over a time span."""
        counts = self._query(
            lambda cursor, found: series(
                cursor, found, since, until, points, by, rollups=self._rollups
            )
        )
        step = step_of(since, until, points)
        return add_to_series(counts, self._missing(since, until), step, by)

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

    def edges(self, wanted: EdgeCriteria) -> list[EdgeRow]:
        """Who asked whom in a time span; also queries without a row."""
        found = self._query(
            lambda cursor, there: edges(cursor, there, wanted, rollups=self._rollups)
        )
        return [*found, *missing_edges(self._missing(wanted.since, wanted.until), wanted)]

    def askers(self, wanted: EdgeCriteria) -> list[AskerRow]:
        """Who asked in a time span, and when last; also queries without a row."""
        wanted = replace(wanted, step=None)  # in intervals they would be counted again
        found = self._query(
            lambda cursor, there: askers(cursor, there, wanted, rollups=self._rollups)
        )
        missing = missing_edges(self._missing(wanted.since, wanted.until), wanted)
        return [*found, *(AskerRow(one, None) for one in missing)]

    def activity(self, asker: Asker, claims: Claims, wanted: EdgeCriteria) -> Activity:
        """What one client did in a time span."""
        return self._query(lambda cursor, there: activity(cursor, there, asker, claims, wanted))

    def last_seen(self, since: int, claims: Claims) -> dict[Asker, int]:
        """When each identity and each token was used last, if not earlier than ``since``."""
        return self._query(lambda cursor, there: last_seen(cursor, there, since, claims))

    def addresses(self, since: int, until: int) -> list[str]:
        """The addresses of all clients that are known by nothing else."""
        return self._query(lambda cursor, there: addresses(cursor, there, since, until))

    def has_token(self, name: str) -> bool:
        """Whether a query came with a token of this name."""
        return self._query(lambda cursor, there: has_token(cursor, there, name))

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
    def first(self) -> int | None:
        """The time of the first query with counts, in microseconds of Unix time."""
        return min((one.begin for one in (*self._rollups, *self._segments)), default=None)

    @property
    def size(self) -> Size:
        """The size of the history."""
        found = self._segments
        return Size(
            rows=sum(one.rows for one in found),
            octets=sum(one.octets for one in (*self._rollups, *found)),
            begin=found[0].begin if found else None,
            counted=self.first,
            lost=self._ingesters.lost,
        )

    def _missing(self, since: int, until: int) -> list[Missing]:
        """Queries without a row; none while their database cannot be read."""
        for _ in range(2):  # a damaged one is made anew
            with suppress(OSError):
                return self._uncounted.find(since, until)
        return []

    def rest(self) -> None:
        """Gives memory back that only work needs."""
        self._database.rest()

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody has asked or ingested since `rest`."""
        return self._database.is_at_rest

    def close(self) -> None:
        """Closes the database connection; what runs on it ends first, in its own thread."""
        self._database.close()

    @property
    def damaged(self) -> list[SetAside]:
        """The segments whose rows cannot be read, oldest first."""
        return self._mender.damaged

    def _reload(self) -> None:
        self._segments = self._present()
        found = rollups(self._root, segments(self._root))
        self._rollups = [one for one in found if one.stem not in self._mender.left_out]
        drop_damaged_indexes(name_indexes(self._root))
        self._lexicons = name_indexes(self._root)

    def _present(self) -> list[Segment]:
        return [one for one in segments(self._root) if one.stem not in self._mender.left_out]

    def _mend(self, cursor: duckdb.DuckDBPyConnection, *, is_thorough: bool) -> bool:
        changed = self._mender.mend(cursor, is_thorough=is_thorough)
        self._reload()
        return changed

    def _query(self, query: Callable[[duckdb.DuckDBPyConnection, list[Segment]], Answer]) -> Answer:
        """Ingests new lines and runs a query; again where segments were joined, removed or found
        damaged meanwhile.

        It waits only shortly for a running maintenance; new lines are in a later result then. Where
        they cannot be ingested, as on a full disk, the rest is searched.
        """
        if self._writing.acquire(timeout=LOCK_WAIT_SECONDS):
            try:
                with suppress(OSError, duckdb.Error):
                    self._ingest()
            finally:
                self._writing.release()
        for tries_left in reversed(range(_TRIES)):
            with self._cursor() as cursor:
                try:
                    return query(cursor, self._segments)
                except duckdb.Error as error:
                    is_moved = isinstance(error, duckdb.IOException)
                    if not tries_left or not (self._recover(cursor) or is_moved):
                        raise
        raise AssertionError("the last try returns or raises")

    def _recover(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """After an error; whether anything is different now."""
        if not self._writing.acquire(timeout=LOCK_WAIT_SECONDS):
            self._reload()
            return True
        try:
            return self._mend(cursor, is_thorough=True)
        finally:
            self._writing.release()

    def _cursor(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return self._database.cursor()
