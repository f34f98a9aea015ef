"""Rollups: counts of segments whose rows are removed.

They take about a hundredth of the space of the rows, so they are kept for longer. Totals stay exact
per bucket of five minutes; of each segment the ``MAX_VALUES`` most frequent values are kept.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from keyhole.querylog.history.segment import Segment, named_segments
from keyhole.system import durable

MAX_VALUES = 1_000
ROLLUP_SHARE = 8
"""Rollups may take one part in so many of the history's size limit."""
PARTS = ("sums", "names", "tops")
"""The sums first: they make a rollup valid."""
_COPY = "(FORMAT parquet, COMPRESSION zstd)"
_RANKED = (
    "SELECT * EXCLUDE (rank) FROM (SELECT *, row_number() OVER "
    "({group} ORDER BY total DESC, {column}) AS rank FROM {source}) "
    f"WHERE rank <= {MAX_VALUES}"
)


def save_rollup(connection: duckdb.DuckDBPyConnection, root: Path, segment: Segment) -> None:
    """Keeps the counts of a segment before it is removed.

    While the segment exists it is counted instead of its rollup, so a kill in between is harmless.
    Raises ``OSError`` and ``duckdb.Error``.
    """
    folder = root / "past"
    folder.mkdir(exist_ok=True)
    kept = Segment(segment.begin, segment.end, segment.rows, segment.origin, folder)
    _copy(connection, segment, kept, "names", "", "name")
    _copy(connection, segment, kept, "tops", "PARTITION BY dimension", "value")
    # The sums come last: they make the rollup valid.
    kept.path("sums").unlink(missing_ok=True)
    os.link(segment.path("sums"), kept.path("sums"))


def rollups(root: Path, alive: Sequence[Segment]) -> list[Segment]:
    """The rollups of removed segments, oldest first."""
    there = {one.stem for one in alive}
    found = named_segments(root / "past", "sums")
    return sorted(one for one in found if one.stem not in there)


def drop_old_rollups(root: Path, oldest: int, octets: int) -> None:
    """Removes rollups that end before ``oldest`` (microseconds), and the oldest beyond
    ``octets``."""
    kept = []
    for one in sorted(named_segments(root / "past", "sums")):
        if one.end < oldest:
            one.drop(PARTS)
        else:
            kept.append(one)
    size = sum(one.octets for one in kept)
    for one in kept:
        if size <= octets:
            break
        size -= one.octets
        one.drop(PARTS)


def _copy(
    connection: duckdb.DuckDBPyConnection,
    segment: Segment,
    kept: Segment,
    part: str,
    group: str,
    column: str,
) -> None:
    source = f"read_parquet('{_quote(segment.path(part))}', hive_partitioning = false)"
    ranked = _RANKED.format(group=group, column=column, source=source)
    select = f"SELECT name, total, withheld FROM ({ranked})" if part == "names" else ranked
    with durable.draft_of(kept.path(part)) as draft:
        connection.execute(f"COPY ({select}) TO '{_quote(draft)}' {_COPY}")


def _quote(path: Path) -> str:
    return str(path).replace("'", "''")
