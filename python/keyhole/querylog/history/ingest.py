"""Cuts what the engine wrote into segments."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from keyhole.querylog.history.schema import SELECT, read_json
from keyhole.querylog.history.segment import Segment, segments, write_segment
from keyhole.querylog.spool import (
    Piece,
    Position,
    Progress,
    pieces,
    read_progress,
    write_progress,
)

_DAY_US = 86_400_000_000


class Ingester:
    """Takes in what one engine wrote. One of all of them works on a folder at a time."""

    def __init__(self, root: Path, engine: str = "") -> None:
        """``engine`` is a word for one on another machine, and empty for that of this folder."""
        self._root = root
        self._note = root / (f"progress-{engine}.json" if engine else "progress.json")
        self._progress = read_progress(self._note)
        self.lost = 0
        """Events of which the engine's log says that they were not written."""
        self._repair()

    @property
    def position(self) -> Position | None:
        """Behind the last line that is in a segment."""
        return self._progress.at

    def ingest(self, connection: duckdb.DuckDBPyConnection, spool: Path) -> list[Segment]:
        """Makes segments of what is new in a folder.

        Raises ``OSError`` and ``duckdb.Error``; what was not taken is taken the next time.
        """
        made: list[Segment] = []
        for piece in pieces(spool, self._progress.at):
            made += self.ingest_piece(connection, piece)
        return made

    def ingest_piece(self, connection: duckdb.DuckDBPyConnection, piece: Piece) -> list[Segment]:
        """Makes segments of some lines; raises as ``ingest`` does."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._write(Progress(self._progress.at, piece.position))
        made = self._cut(connection, piece)
        self._write(Progress(piece.position))
        return made

    def _write(self, progress: Progress) -> None:
        write_progress(self._note, progress)
        self._progress = progress

    def _cut(self, connection: duckdb.DuckDBPyConnection, piece: Piece) -> list[Segment]:
        draft = self._root / ".piece.jsonl"
        draft.write_bytes(piece.lines)
        try:
            source = read_json(str(draft))
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE piece AS SELECT {SELECT}, lost FROM {source}"
            )
            lost = connection.execute("SELECT coalesce(sum(lost), 0) FROM piece").fetchone()
            self.lost += int(lost[0]) if lost else 0
            connection.execute('DELETE FROM piece WHERE "time" IS NULL OR outcome IS NULL')
            connection.execute("ALTER TABLE piece DROP COLUMN lost")
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
            segment = write_segment(connection, "one_day", folder, position.word)
            if segment is not None:
                made.append(segment)
        return made

    def _repair(self) -> None:
        """Throws away what was cut and not noted, and drafts of a process that was killed."""
        for draft in (*self._root.glob("day=*/.*.new"), self._root / ".piece.jsonl"):
            draft.unlink(missing_ok=True)
        cutting = self._progress.cutting
        for segment in segments(self._root):
            if cutting is not None and segment.origin == cutting.word:
                segment.drop()


def day_folder(time_us: int) -> str:
    """The folder of the day in which a time lies, in UTC."""
    return f"day={datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d}"
