"""The logs of all engines: what of them is in the history, and what was counted and is not."""

import time
from pathlib import Path

import duckdb

from keyhole.querylog.counts import CountFiles, CountRecord, read_records
from keyhole.querylog.history.ingest import MAX_AGE_SECONDS, MAX_AHEAD_SECONDS, Ingester
from keyhole.querylog.history.segment import Segment
from keyhole.querylog.history.uncounted import Uncounted
from keyhole.querylog.intake import Intake
from keyhole.querylog.spool import Piece, Position

_LOCAL = ""


class Ingesters:
    """One for the engine of this folder, and one for each remote engine. Only one thread at a time
    may use them."""

    def __init__(self, root: Path, spool: Path, uncounted: Uncounted, intake: Intake) -> None:
        """``root`` is the folder of the history, ``spool`` the folder of the engine's log."""
        self._root = root
        self._spool = spool
        self._uncounted = uncounted
        self._intake = intake
        self._count_files = CountFiles(spool)
        self._of: dict[str, Ingester] = {_LOCAL: Ingester(root, intake=intake)}

    @property
    def lost(self) -> int:
        """Events that engines could not write since this process started, where they count
        nothing."""
        ingesters = self._of.items()
        return sum(one.lost for name, one in ingesters if not self._uncounted.knows(name))

    def new_counts(self) -> list[CountRecord]:
        """What the engine of this folder has counted since. Call it before `ingest`, so that a
        count whose row is being written has it as soon as it is read."""
        return read_records(self._count_files.new())

    def ingest(self, connection: duckdb.DuckDBPyConnection) -> list[Segment]:
        """Ingests new lines of the engine of this folder; raises as `Ingester.ingest` does."""
        return self._of[_LOCAL].ingest(connection, self._spool)

    def settle(self, records: list[CountRecord]) -> None:
        """Computes what is missing of the engine of this folder; raises ``OSError``."""
        self._settle(_LOCAL, records)

    def position_of(self, engine: str) -> Position | None:
        """How much of a remote engine's log is ingested; ``engine`` must be usable as part of a
        file name."""
        return self._remote(engine).position

    def ingest_from(
        self, connection: duckdb.DuckDBPyConnection, engine: str, piece: Piece, name: str
    ) -> list[Segment]:
        """Ingests lines of a remote engine, except those ingested before; rows keep its ``name``.
        Raises as `Ingester.ingest` does."""
        ingester = self._remote(engine)
        ingester.name = name or engine
        known = ingester.position
        is_same = known is not None and known.spool == piece.position.spool
        if known is not None and is_same and piece.position.offset <= known.offset:
            return []
        return ingester.ingest_piece(connection, piece)

    def count_from(self, engine: str, lines: bytes) -> None:
        """Takes what a remote engine has counted; raises ``OSError``."""
        self._remote(engine)
        # As for its rows: what is of another time would never be removed, or at once.
        now = int(time.time())
        times = range(now - MAX_AGE_SECONDS, now + MAX_AHEAD_SECONDS)
        self._settle(engine, [one for one in read_records(lines) if one.time in times])

    def _settle(self, engine: str, records: list[CountRecord]) -> None:
        ingester = self._of[engine]
        if not records and not (ingester.has_new and self._uncounted.knows(engine)):
            return
        try:
            self._uncounted.settle(engine, records, ingester.rows, ingester.take_new())
        except OSError:
            self._count_files.forget()
            raise

    def _remote(self, engine: str) -> Ingester:
        if engine not in self._of:
            self._of[engine] = Ingester(self._root, engine, self._intake)
        return self._of[engine]
