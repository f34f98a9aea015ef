"""What remains of segments whose rows are gone: how many queries ended how, and what was in most.

A day of it takes about a hundredth of its rows, so it is kept for longer. Totals stay exact, to the
five minutes of a bucket; of each day the ``MAX_VALUES`` most frequent names, clients and so on are kept.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from keyhole.querylog.history.segment import Segment, named_segments
from keyhole.system import durable

MAX_VALUES = 1_000
ROLLUP_SHARE = 8
"""One part in so many of the room for the history may go to what is past."""
PARTS = ("sums", "names", "tops")
"""The sums first: they say that something is remembered."""
_COPY = "(FORMAT parquet, COMPRESSION zstd)"
_RANKED = (
    "SELECT * EXCLUDE (rank) FROM (SELECT *, row_number() OVER "
    "({group} ORDER BY total DESC, {column}) AS rank FROM {source}) "
    f"WHERE rank <= {MAX_VALUES}"
)


def save_rollup(connection: duckdb.DuckDBPyConnection, root: Path, segment: Segment) -> None:
    """Keeps the counts of a segment that is about to be dropped.

    As long as the segment is there it counts, and not what is remembered of it; so a process may be
    killed in between. Raises ``OSError`` and ``duckdb.Error``.
    """
    folder = root / "past"
    folder.mkdir(exist_ok=True)
    kept = Segment(segment.begin, segment.end, segment.rows, segment.origin, folder)
    _copy(connection, segment, kept, "names", "", "name")
    _copy(connection, segment, kept, "tops", "PARTITION BY dimension", "value")
    # The sums come last: what is past counts as soon as they are there.
    kept.path("sums").unlink(missing_ok=True)
    os.link(segment.path("sums"), kept.path("sums"))


def rollups(root: Path, alive: Sequence[Segment]) -> list[Segment]:
    """What is remembered, oldest first, of segments that are not there any more."""
    there = {one.stem for one in alive}
    found = named_segments(root / "past", "sums")
    return sorted(one for one in found if one.stem not in there)


def drop_old_rollups(root: Path, oldest: int, octets: int) -> None:
    """Removes what ended before ``oldest``, in microseconds, and the oldest of what is too much."""
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
    criteria = f"SELECT name, total, withheld FROM ({ranked})" if part == "names" else ranked
    with durable.draft_of(kept.path(part)) as draft:
        connection.execute(f"COPY ({criteria}) TO '{_quote(draft)}' {_COPY}")


def _quote(path: Path) -> str:
    return str(path).replace("'", "''")
