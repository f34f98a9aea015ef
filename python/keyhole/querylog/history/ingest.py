"""Ingests the engine's log into segments."""

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from keyhole.querylog.counts import Key
from keyhole.querylog.entry import IS_VALID
from keyhole.querylog.history.schema import (
    ENGINE,
    INTAKE,
    IS_WHOLE,
    LOCAL,
    QUERIES,
    SELECT,
    read_json,
)
from keyhole.querylog.history.segment import BUCKET_SECONDS, Segment, segments, write_segment
from keyhole.querylog.intake import Intake
from keyhole.querylog.spool import (
    Piece,
    Position,
    Progress,
    pieces,
    read_progress,
    write_progress,
)

_DAY_US = 86_400_000_000
MAX_AHEAD_SECONDS = 86_400
"""How far the clock of another machine may be ahead; queries from later are left out."""
MAX_AGE_SECONDS = 366 * 86_400
"""How old queries of another machine may be: each day has a segment of its own."""
_BUCKET = BUCKET_SECONDS * 1_000_000
# Words with a space, which no engine writes, could not be told apart.
_COUNT = (
    f'SELECT "time" // {_BUCKET} * {_BUCKET}, transport, outcome, reason, {QUERIES} FROM piece '
    "WHERE concat(transport, outcome, reason) NOT LIKE '% %' AND transport != '' AND reason != '' "
    "GROUP BY ALL LIMIT 10000"
)


class Ingester:
    """Ingests the log of one engine. Only one of them may work on a folder at a time."""

    def __init__(self, root: Path, engine: str = "", intake: Intake | None = None) -> None:
        """``engine`` is a remote engine as part of a file name; empty means the engine of this
        folder. ``intake`` numbers the rows."""
        self._intake = intake or Intake()
        self._root = root
        self._engine = engine
        self.name = engine or LOCAL
        """What its rows keep of it."""
        self._note = root / (f"progress-{engine}.json" if engine else "progress.json")
        self._progress = read_progress(self._note)
        self.lost = 0
        """Events that the engine could not write, according to its log."""
        self._new: Counter[tuple[int, Key]] = Counter()
        self._repair()

    @property
    def position(self) -> Position | None:
        """The position after the last ingested line."""
        return self._progress.at

    @property
    def rows(self) -> dict[Key, int]:
        """How many rows were made in all."""
        found = (text.split(" ") for text in self._progress.rows)
        return {(t, o, r): self._progress.rows[f"{t} {o} {r}"] for t, o, r in found}

    @property
    def has_new(self) -> bool:
        """Whether there are rows since the last call of `take_new`."""
        return bool(self._new)

    def take_new(self) -> dict[tuple[int, Key], int]:
        """The rows since the last call, by five minutes and key."""
        new, self._new = self._new, Counter()
        return new

    def ingest(self, connection: duckdb.DuckDBPyConnection, spool: Path) -> list[Segment]:
        """Makes segments of new lines in a folder.

        Raises ``OSError`` and ``duckdb.Error``; lines that were not ingested are ingested next
        time.
        """
        made: list[Segment] = []
        for piece in pieces(spool, self._progress.at):
            made += self.ingest_piece(connection, piece)
        return made

    def ingest_piece(self, connection: duckdb.DuckDBPyConnection, piece: Piece) -> list[Segment]:
        """Makes segments of these lines; raises as ``ingest`` does."""
        self._root.mkdir(parents=True, exist_ok=True)
        before = self._progress
        self._write(Progress(before.at, piece.position, before.rows))
        new: Counter[tuple[int, Key]] = Counter()
        made = self._cut(connection, piece, new)
        rows = Counter(before.rows)
        for (_, key), count in new.items():
            rows[" ".join(key)] += count
        self._write(Progress(piece.position, rows=dict(rows)))
        self._new += new
        return made

    def _write(self, progress: Progress) -> None:
        write_progress(self._note, progress)
        self._progress = progress

    def _cut(
        self,
        connection: duckdb.DuckDBPyConnection,
        piece: Piece,
        new: Counter[tuple[int, Key]],
    ) -> list[Segment]:
        draft = self._root / ".piece.jsonl"
        draft.write_bytes(piece.lines)
        try:
            source = read_json(str(draft))
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE piece AS SELECT {SELECT}, ?::VARCHAR AS {ENGINE}, "
                f"?::BIGINT AS {INTAKE}, lost FROM {source}",
                [self.name, self._intake.number],
            )
            lost = connection.execute(
                "SELECT coalesce(sum(greatest(lost, 0)), 0) FROM piece"
            ).fetchone()
            self.lost += int(lost[0]) if lost else 0
            _drop_damaged(connection)
            if self._engine:
                # Later ones would outlive the rows of all others, earlier ones fill the folder.
                latest = int((time.time() + MAX_AHEAD_SECONDS) * 1_000_000)
                earliest = int((time.time() - MAX_AGE_SECONDS) * 1_000_000)
                span = [earliest, latest]
                connection.execute('DELETE FROM piece WHERE "time" NOT BETWEEN ? AND ?', span)
            connection.execute("ALTER TABLE piece DROP COLUMN lost")
            for bucket, transport, outcome, reason, rows in connection.execute(_COUNT).fetchall():
                new[int(bucket), (transport, outcome, reason)] = int(rows)
            return self._by_day(connection, piece.position)
        finally:
            connection.execute("DROP TABLE IF EXISTS piece")
            draft.unlink(missing_ok=True)

    def _by_day(self, connection: duckdb.DuckDBPyConnection, position: Position) -> list[Segment]:
        days = connection.execute(f'SELECT DISTINCT "time" // {_DAY_US} FROM piece').fetchall()
        made = []
        for (day,) in sorted(days):
            connection.execute(
                f'CREATE OR REPLACE TEMP VIEW one_day AS SELECT * FROM piece WHERE "time" // '
                f"{_DAY_US} = {int(day)}"
            )
            folder = self._root / day_folder(int(day) * _DAY_US)
            segment = write_segment(connection, "one_day", folder, self._origin(position))
            if segment is not None:
                made.append(segment)
        return made

    def _repair(self) -> None:
        """Removes segments of an interrupted ingest, and drafts of a killed process."""
        for draft in (*self._root.glob("day=*/.*.new"), self._root / ".piece.jsonl"):
            draft.unlink(missing_ok=True)
        cutting = self._progress.cutting
        for segment in segments(self._root):
            if cutting is not None and segment.origin == self._origin(cutting):
                segment.drop()

    def _origin(self, position: Position) -> str:
        """Names the piece. That of one engine is never that of another, whatever position it
        says."""
        return f"{self._engine}.{position.word}" if self._engine else position.word


def _drop_damaged(connection: duckdb.DuckDBPyConnection) -> None:
    """Drops the lines that are no query, whoever wrote them: an engine of another machine, of
    another version, or a disk."""
    connection.execute(f"DELETE FROM piece WHERE NOT {IS_WHOLE}")
    for column, is_valid in IS_VALID.items():
        found = connection.execute(
            f'SELECT DISTINCT "{column}" FROM piece WHERE "{column}" IS NOT NULL'
        ).fetchall()
        bad = [text for (text,) in found if not is_valid(text)]
        if bad:
            connection.execute(
                f'DELETE FROM piece WHERE list_contains(?::VARCHAR[], "{column}")', [bad]
            )


def day_folder(time_us: int) -> str:
    """The folder of the day (UTC) that contains a time."""
    return f"day={datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d}"
