"""Ingests the engine's log into segments."""

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
    """Ingests the log of one engine. Only one of them may work on a folder at a time."""

    def __init__(self, root: Path, engine: str = "") -> None:
        """``engine`` names a remote engine; empty means the engine of this folder."""
        self._root = root
        self._note = root / (f"progress-{engine}.json" if engine else "progress.json")
        self._progress = read_progress(self._note)
        self.lost = 0
        """Events that the engine could not write, according to its log."""
        self._repair()

    @property
    def position(self) -> Position | None:
        """The position after the last ingested line."""
        return self._progress.at

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
        """Removes segments of an interrupted ingest, and drafts of a killed process."""
        for draft in (*self._root.glob("day=*/.*.new"), self._root / ".piece.jsonl"):
            draft.unlink(missing_ok=True)
        cutting = self._progress.cutting
        for segment in segments(self._root):
            if cutting is not None and segment.origin == cutting.word:
                segment.drop()


def day_folder(time_us: int) -> str:
    """The folder of the day (UTC) that contains a time."""
    return f"day={datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d}"
