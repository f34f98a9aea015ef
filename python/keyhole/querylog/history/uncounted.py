"""Queries that engines have counted and of which the history has no row.

An engine counts every query; its log is bounded, a disk may be full, and a policy may keep queries
out of the log. The difference is kept here, by five minutes, so that totals are what the engines
counted. It is computed from totals alone, so that a process that is killed loses nothing of it: the
next one computes the same.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyhole.querylog.counts import MAX_KEYS, Counted, CountRecord, Key
from keyhole.querylog.history.segment import BUCKET_SECONDS
from keyhole.system import durable

FILE = "counts.db"
_BUCKET = BUCKET_SECONDS * 1_000_000
_BUSY_SECONDS = 5.0
_TABLES = """
CREATE TABLE IF NOT EXISTS engine (name TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS missing (
    engine TEXT NOT NULL, bucket INTEGER NOT NULL, transport TEXT NOT NULL,
    outcome TEXT NOT NULL, reason TEXT NOT NULL, total INTEGER NOT NULL,
    unlogged INTEGER NOT NULL, PRIMARY KEY (engine, bucket, transport, outcome, reason));
"""
_MOST = 2**50
"""More queries than any engine answers. An engine of another machine says what it likes: no sum of
what all of them say may overflow."""
_ADD = f"""
INSERT INTO missing VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    total = min(total + excluded.total, {_MOST}),
    unlogged = min(unlogged + excluded.unlogged, {_MOST})
"""
Rows = Mapping[tuple[int, Key], int]
"""Numbers of new rows by bucket (microseconds) and key."""


@dataclass(frozen=True)
class Missing:
    """Counted queries without a row, in one bucket of five minutes."""

    bucket: int
    """The start, in microseconds of Unix time."""
    key: Key
    total: int
    unlogged: int


class Uncounted:
    """The differences of all engines, in one small database. Its methods raise ``OSError``, once
    for a damaged database."""

    def __init__(self, root: Path) -> None:
        """Opens or makes the database, if the disk lets it."""
        self._root = root
        self._path = root / FILE
        with suppress(OSError):
            self._create()

    def settle(
        self,
        engine: str,
        records: Iterable[CountRecord],
        rows: Mapping[Key, int],
        new: Rows,
    ) -> None:
        """Computes what is missing of an engine's queries: what it counted, less its ``rows`` so
        far. ``new`` are those of the rows that were not there at the last call."""
        with self._connected() as connection:
            state = _State.read(connection, engine)
            records = list(records)
            if not state.log and records:
                state.leave_out(new, records[0].since)
            per_bucket = state.advance(records)
            changes = state.changes(rows, per_bucket, new)
            if not per_bucket and not state.arrived:
                return
            connection.executemany(
                _ADD, [(engine, bucket, *key, *values) for (bucket, key), values in changes.items()]
            )
            for key, count in state.arrived.items():
                _take_away(connection, engine, key, count)
            connection.execute("DELETE FROM missing WHERE total = 0 AND unlogged = 0")
            state.write(connection, engine)

    def find(self, since: int, until: int) -> list[Missing]:
        """What is missing in a span, extended to whole buckets of five minutes."""
        if not self._path.exists():
            return []
        with self._connected() as connection:
            found = connection.execute(
                "SELECT bucket, transport, outcome, reason, sum(total), sum(unlogged) FROM missing "
                "WHERE bucket >= ? AND bucket < ? GROUP BY 1, 2, 3, 4",
                (since // _BUCKET * _BUCKET, until),
            ).fetchall()
        return [Missing(bucket, (t, o, r), total, off) for bucket, t, o, r, total, off in found]

    def knows(self, engine: str) -> bool:
        """Whether an engine has ever said what it counted."""
        if not self._path.exists():
            return False
        with suppress(OSError), self._connected() as connection:
            found = connection.execute("SELECT 1 FROM engine WHERE name = ?", (engine,))
            return found.fetchone() is not None
        return False

    def drop_old(self, oldest: int) -> None:
        """Removes what is older than this, in microseconds of Unix time."""
        with self._connected() as connection:
            connection.execute("DELETE FROM missing WHERE bucket < ?", (oldest - _BUCKET,))

    def _create(self) -> None:
        with self._connected() as connection:
            connection.executescript(_TABLES)
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != ("ok",):
                raise sqlite3.DatabaseError(str(found))
        self._path.chmod(0o600)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection for one block, committed at its end. A damaged database is set aside, and
        made anew from what the engines still have."""
        try:
            opened = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
            with closing(opened) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            if _is_damage(error):
                self._set_aside()
            raise OSError(f"{FILE}: {error}") from error

    def _set_aside(self) -> None:
        folder = self._root / "damaged"
        with suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
            durable.rename(self._path, folder / FILE)
            self._path.with_name(f"{FILE}-journal").unlink(missing_ok=True)
            self._create()


def _is_damage(error: sqlite3.Error) -> bool:
    # Not "disk full", "locked" or "read-only"; but a table that is missing.
    is_other = isinstance(error, sqlite3.OperationalError) and "no such" not in str(error)
    return isinstance(error, sqlite3.DatabaseError) and not is_other


def _take_away(connection: sqlite3.Connection, engine: str, key: Key, count: int) -> None:
    """Less is missing: rows came after their counts, so of the newest buckets."""
    place = "engine = ? AND transport = ? AND outcome = ? AND reason = ?"
    found = connection.execute(
        f"SELECT bucket, total FROM missing WHERE {place} ORDER BY bucket DESC", (engine, *key)
    ).fetchall()
    for bucket, total in found:
        part = min(count, total)
        connection.execute(
            f"UPDATE missing SET total = total - ? WHERE {place} AND bucket = ?",
            (part, engine, *key, bucket),
        )
        count -= part


class _State:
    """How far the counts of one engine are read, and how much of them is in the table."""

    def __init__(self, found: dict[str, Any] | None = None) -> None:
        found = found or {"log": ""}
        self.log: str = found["log"]
        self.before = _counts(found.get("before", {}))
        """Of logs that have ended."""
        self.last = _counts(found.get("last", {}))
        """Of the present log."""
        self.listed: dict[Key, int] = {
            _key(text): count for text, count in found.get("listed", {}).items()
        }
        """What is missing, as the table was told."""
        self.arrived: dict[Key, int] = {}
        """How many of these have a row now."""

    @classmethod
    def read(cls, connection: sqlite3.Connection, engine: str) -> "_State":
        row = connection.execute("SELECT state FROM engine WHERE name = ?", (engine,)).fetchone()
        if row is None:
            return cls()
        return cls(json.loads(row[0]))

    def write(self, connection: sqlite3.Connection, engine: str) -> None:
        state = {
            "log": self.log,
            "before": _texts(self.before),
            "last": _texts(self.last),
            "listed": {" ".join(key): count for key, count in self.listed.items()},
        }
        connection.execute(
            "INSERT OR REPLACE INTO engine VALUES (?, ?)", (engine, json.dumps(state))
        )

    def leave_out(self, new: Rows, since: int) -> None:
        """Rows from before an engine counted at all have no count: as if they had one."""
        for (bucket, key), count in new.items():
            if bucket + _BUCKET <= since * 1_000_000:
                self.before = _sum(self.before, {key: Counted(count)})

    def advance(self, records: list[CountRecord]) -> dict[tuple[int, Key], Counted]:
        """Reads new records; gives what each bucket adds."""
        if any(one.log == self.log for one in records):
            # Those of logs before the present one were read.
            first = next(at for at, one in enumerate(records) if one.log == self.log)
            records = records[first:]
        added: dict[tuple[int, Key], Counted] = {}
        for one in records:
            if one.log != self.log:
                self.before = _sum(self.before, self.last)
                self.last, self.log = {}, one.log
            if one.total <= sum(counted.total for counted in self.last.values()):
                continue  # known
            bucket = one.time * 1_000_000 // _BUCKET * _BUCKET
            for key, counted in one.counts.items():
                known = self.last.get(key, Counted())
                more = counted.total - known.total, counted.unlogged - known.unlogged
                if more[0] > 0:
                    added[bucket, key] = _plus(added.get((bucket, key)), *more)
            self.last = one.counts
        return added

    def changes(
        self, rows: Mapping[Key, int], added: Mapping[tuple[int, Key], Counted], new: Rows
    ) -> dict[tuple[int, Key], tuple[int, int]]:
        """What the table must gain for its sum to be what is missing."""
        found: dict[tuple[int, Key], list[int]] = defaultdict(lambda: [0, 0])
        counts = _sum(self.before, self.last)
        for place, counted in added.items():
            if place[1] in counts:
                found[place][1] += counted.unlogged
        for key, counted in counts.items():
            missing = max(0, counted.total - rows.get(key, 0))
            left = missing - self.listed.get(key, 0)
            self.listed[key] = missing
            if left < 0:
                self.arrived[key] = -left
            for bucket, room in _rooms(key, added, new):
                part = max(0, min(left, room))
                found[bucket, key][0] += part
                left -= part
        return {place: (values[0], values[1]) for place, values in found.items() if any(values)}


def _rooms(key: Key, added: Mapping[tuple[int, Key], Counted], new: Rows) -> list[tuple[int, int]]:
    """The buckets in which more was counted than rows came, oldest first, and how many more."""
    return sorted(
        (bucket, counted.total - new.get((bucket, key), 0))
        for (bucket, known), counted in added.items()
        if known == key
    )


def _sum(one: Mapping[Key, Counted], other: Mapping[Key, Counted]) -> dict[Key, Counted]:
    found = dict(one)
    for key, counted in other.items():
        if key in found or len(found) < MAX_KEYS:
            found[key] = _plus(found.get(key), counted.total, counted.unlogged)
    return found


def _plus(was: Counted | None, total: int, unlogged: int) -> Counted:
    was = was or Counted()
    return Counted(min(was.total + total, _MOST), min(was.unlogged + max(0, unlogged), _MOST))


def _texts(counts: Mapping[Key, Counted]) -> dict[str, list[int]]:
    return {" ".join(key): [one.total, one.unlogged] for key, one in counts.items()}


def _counts(found: Mapping[str, list[int]]) -> dict[Key, Counted]:
    return {_key(text): Counted(*numbers) for text, numbers in found.items()}


def _key(text: str) -> Key:
    transport, outcome, reason = text.split(" ")
    return transport, outcome, reason
