"""Counts of new rows, for who adds them up: each row is counted once."""

import threading
from collections.abc import Sequence
from contextlib import suppress

import duckdb

from keyhole.querylog.history.edges import EdgeCriteria, EdgeRow, edges
from keyhole.querylog.history.segment import Segment

_ALWAYS = EdgeCriteria(since=-(2**62), until=2**62)
_MAX_ROWS = 100_000
"""Counts that wait to be taken; when there are more, new ones are left out."""


class FreshEdges:
    """The rows that were ingested since the last call of `take`; nothing before the first call of
    `watch`. Safe to use from several threads."""

    def __init__(self) -> None:
        self._is_watched = False
        self._rows: list[EdgeRow] = []
        self._lock = threading.Lock()

    def watch(self) -> None:
        """Counts new rows from now on."""
        self._is_watched = True

    @property
    def is_watched(self) -> bool:
        """Whether somebody counts new rows."""
        return self._is_watched

    def take(self) -> list[EdgeRow]:
        """The counts since the last call, by client."""
        with self._lock:
            rows, self._rows = self._rows, []
        return rows

    def add(self, connection: duckdb.DuckDBPyConnection, made: Sequence[Segment]) -> None:
        """Counts new segments. One that cannot be read is left out: the history mends or reports
        it."""
        if not self._is_watched or not made:
            return
        with suppress(duckdb.Error):
            found = edges(connection, made, _ALWAYS)
            with self._lock:
                self._rows += found[: _MAX_ROWS - len(self._rows)]
