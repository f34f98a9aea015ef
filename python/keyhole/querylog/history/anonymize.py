"""After a time, queries stay and those who asked are forgotten, as where a policy is ``anonymous``.

Only two files of a segment say who asked: the rows, and the counts of clients. Both are written
anew in their places, the counts last. So a segment whose counts name nobody is done, whoever was
killed in between; and since no row moves, neither page nor index has to begin anew.
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
"""Rows that are written anew in one round, some seconds: nothing is taken in meanwhile."""
_AT_ONCE = 64
"""Files that are looked into with one question."""
_CLIENT_COLUMNS = ", ".join(f"'{word}'" for word in CLIENT_COLUMNS)
_NO_CLIENT = ", ".join(f'NULL::VARCHAR AS "{word}"' for word in CLIENT_COLUMNS)


class Anonymizer:
    """Forgets who asked; remembers where that is done, for nobody is ever named there again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._done: set[tuple[Path, int]] = set()
        """The counts that name nobody, and when they were written."""

    def run(self, connection: duckdb.DuckDBPyConnection, before: int) -> int:
        """Names nobody in what ended before a time, in microseconds, a round of it; gives how many
        segments that changed, also of those of which only counts are left.

        Raises ``OSError`` and ``duckdb.Error``; what was there before is whole then.
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
    """As many as one round does, the oldest first; what has no rows any more costs nothing."""
    found: list[Segment] = []
    rows = 0
    for one in with_clients:
        has_rows = one.path("rows").exists()
        if not has_rows or rows == 0 or rows + one.rows <= MAX_ROWS:
            found.append(one)
            rows += one.rows if has_rows else 0
    return found


def _written(segment: Segment) -> tuple[Path, int]:
    # A piece of the log that is cut again gets the names that it had before.
    path = segment.path("tops")
    return path, path.stat().st_mtime_ns


def _with_clients(connection: duckdb.DuckDBPyConnection, old: Sequence[Segment]) -> list[Segment]:
    """Those whose counts say who asked."""
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
    """The rows in the order in which they are, which pages count on."""
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
