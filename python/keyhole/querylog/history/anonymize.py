"""Removes clients from old queries, so that they look as with ``log: anonymous``.

Two files of a segment hold clients: the rows and the counts. Both are rewritten in place, the
counts last. So a segment without clients in its counts is done, even if a process was killed. The
order of rows stays, so pages and name indexes stay valid.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from keyhole.querylog.history.segment import (
    CLIENT_COLUMNS,
    Segment,
    named_segments,
    rewrite_part,
    segments,
)

MAX_ROWS = 8_000_000
"""Rows that one run rewrites, in some seconds; no rows are ingested meanwhile."""
_AT_ONCE = 64
"""Files per query."""
_CLIENT_COLUMNS = ", ".join(f"'{word}'" for word in CLIENT_COLUMNS)
_NO_CLIENT = ", ".join(f'NULL::VARCHAR AS "{word}"' for word in CLIENT_COLUMNS)


class Anonymizer:
    """Removes clients; remembers the segments that are done."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._done: set[tuple[Path, int]] = set()
        """Count files without clients, each with its modification time."""

    def run(self, connection: duckdb.DuckDBPyConnection, before: int) -> int:
        """Removes clients from part of what ended before a time, in microseconds; returns the
        number of segments and rollups that changed.

        Raises ``OSError`` and ``duckdb.Error``; the previous files are complete then.
        """
        there = [*segments(self._root), *named_segments(self._root / "past", "tops")]
        old = [one for one in there if one.end < before]
        with_clients = _with_clients(
            connection, [one for one in old if _written(one) not in self._done]
        )
        chosen = _first(with_clients)
        for one in chosen:
            if one.path("rows").exists():
                rewrite_part(connection, one, "rows", _rows(one))
            rewrite_part(connection, one, "tops", _tops(one))
        waiting = set(with_clients) - set(chosen)
        self._done = {_written(one) for one in old if one not in waiting}
        return len(chosen)


def _first(with_clients: Sequence[Segment]) -> list[Segment]:
    """The segments for one run, oldest first; rollups have no rows and do not count."""
    found: list[Segment] = []
    rows = 0
    for one in with_clients:
        has_rows = one.path("rows").exists()
        if not has_rows or rows == 0 or rows + one.rows <= MAX_ROWS:
            found.append(one)
            rows += one.rows if has_rows else 0
    return found


def _written(segment: Segment) -> tuple[Path, int]:
    # A segment that is ingested again gets the same names, so the time is compared as well.
    path = segment.path("tops")
    return path, path.stat().st_mtime_ns


def _with_clients(connection: duckdb.DuckDBPyConnection, old: Sequence[Segment]) -> list[Segment]:
    """The segments whose counts hold clients."""
    found: list[Segment] = []
    for batch in _batches(old):
        files = ", ".join(_quote(one.path("tops")) for one in batch)
        query = (
            f"SELECT DISTINCT filename FROM read_parquet([{files}], filename = true, "
            f"hive_partitioning = false) WHERE dimension IN ({_CLIENT_COLUMNS})"
        )
        named = {name for (name,) in connection.execute(query).fetchall()}
        found += [one for one in batch if str(one.path("tops")) in named]
    return found


def _batches(old: Sequence[Segment]) -> Iterable[Sequence[Segment]]:
    return (old[begin : begin + _AT_ONCE] for begin in range(0, len(old), _AT_ONCE))


def _rows(segment: Segment) -> str:
    """The rows in their present order, on which page keys depend."""
    return (
        f"SELECT * EXCLUDE (file_row_number) REPLACE ({_NO_CLIENT}) FROM "
        f"read_parquet({_quote(segment.path('rows'))}, file_row_number = true, "
        "hive_partitioning = false) ORDER BY file_row_number"
    )


def _tops(segment: Segment) -> str:
    return (
        f"SELECT * FROM read_parquet({_quote(segment.path('tops'))}, hive_partitioning = false) "
        f"WHERE dimension NOT IN ({_CLIENT_COLUMNS}) ORDER BY ALL"
    )


def _quote(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
