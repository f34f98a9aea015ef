"""Exact counts over any time span, mostly from the counts beside the segments."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb

from keyhole.querylog.counts import Key
from keyhole.querylog.history.schema import QUERIES, WITHHELD_QUERIES
from keyhole.querylog.history.segment import BUCKET_SECONDS, DIMENSIONS, Segment, row_files
from keyhole.querylog.history.uncounted import Missing

_BUCKET = BUCKET_SECONDS * 1_000_000
MAX_POINTS = 2_000
MAX_TOPS = 1_000


@dataclass(frozen=True)
class Top:
    """A value with its number of queries, and how many of those were withheld."""

    value: str
    total: int
    withheld: int

    @property
    def passed(self) -> int:
        """The number of queries that were not withheld."""
        return self.total - self.withheld


@dataclass
class Statistics:
    """Counts of a time span."""

    since: int
    until: int
    total: int = 0
    by_outcome: dict[str, int] = field(default_factory=dict)
    by_reason: dict[str, int] = field(default_factory=dict)
    by_transport: dict[str, int] = field(default_factory=dict)
    waited: int = 0
    """Queries that waited for an upstream."""
    waited_us: int = 0
    """Their total waiting time, in microseconds."""
    unlogged: int = 0
    """Queries that their policy keeps out of the log: counted, and in no search."""
    lost: int = 0
    """Queries whose rows should be there and are not: counted, and in no search."""

    def add(self, missing: Iterable[Missing]) -> None:
        """Adds queries without a row."""
        lost: Counter[Key] = Counter()
        for one in missing:
            for word, counts in zip(
                one.key, (self.by_transport, self.by_outcome, self.by_reason), strict=True
            ):
                counts[word] = counts.get(word, 0) + one.total
            self.total += one.total
            self.unlogged += one.unlogged
            lost[one.key] += one.total - one.unlogged
        self.lost += sum(count for count in lost.values() if count > 0)


def totals(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    since: int,
    until: int,
    *,
    rollups: Sequence[Segment] = (),
) -> Statistics:
    """Counts of queries from ``since`` until before ``until``, in microseconds.

    ``rollups`` are the counts of removed segments.
    """
    found = Statistics(since, until)
    groups = (
        ("outcome", found.by_outcome),
        ("reason", found.by_reason),
        ("transport", found.by_transport),
    )
    counted = sums(segments, since, until, rollups)
    if counted is None:
        return found
    for column, counts in groups:
        query = (
            f"SELECT {column}, sum(total)::BIGINT FROM ({counted}) "
            f"GROUP BY {column} ORDER BY 2 DESC"
        )
        counts.update(
            {str(word): int(count) for word, count in connection.execute(query).fetchall()}
        )
    row = connection.execute(
        f"SELECT sum(total), sum(duration_us), sum(waited) FROM ({counted})"
    ).fetchone() or (0, 0, 0)
    found.total, found.waited_us, found.waited = (int(value or 0) for value in row)
    return found


def series(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    since: int,
    until: int,
    points: int,
    by: Literal["outcome", "reason"] = "outcome",
    *,
    rollups: Sequence[Segment] = (),
) -> list[tuple[int, dict[str, int]]]:
    """Counts by outcome or reason over the span, in at most ``points`` steps of equal length."""
    step = step_of(since, until, points)
    counted = sums(segments, since, until, rollups)
    if counted is None:
        return []
    found: dict[int, dict[str, int]] = {}
    query = (
        f"SELECT bucket // {step} * {step}, {by}, sum(total)::BIGINT FROM ({counted}) "
        "GROUP BY ALL ORDER BY 1, 2"
    )
    for moment, outcome, count in connection.execute(query).fetchall():
        found.setdefault(int(moment), {})[str(outcome)] = int(count)
    return sorted(found.items())


def add_to_series(
    found: Iterable[tuple[int, dict[str, int]]],
    missing: Iterable[Missing],
    step: int,
    by: Literal["outcome", "reason"],
) -> list[tuple[int, dict[str, int]]]:
    """Adds queries without a row to a series."""
    points = {moment: dict(counts) for moment, counts in found}
    for one in missing:
        counts = points.setdefault(one.bucket // step * step, {})
        word = one.key[1 if by == "outcome" else 2]
        counts[word] = counts.get(word, 0) + one.total
    return sorted(points.items())


def step_of(since: int, until: int, points: int) -> int:
    """The length of one of at most ``points`` equal steps, in whole buckets of five minutes."""
    return max(_BUCKET, -(-(until - since) // max(1, min(points, MAX_POINTS)) // _BUCKET) * _BUCKET)


def tops(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    dimension: str,
    since: int,
    until: int,
    *,
    most: int = 10,
    is_withheld: bool = False,
    is_passed: bool = False,
    rollups: Sequence[Segment] = (),
) -> list[Top]:
    """The most frequent values of ``name`` or of one of the ``DIMENSIONS``; with ``is_withheld`` by
    the number of withheld queries, with ``is_passed`` by that of the others."""
    if dimension != "name" and dimension not in DIMENSIONS:
        raise ValueError(dimension)
    parts = list(_counted(segments, dimension, since, until, rollups))
    if not parts:
        return []
    order = "sum(counted.withheld)" if is_withheld else "sum(counted.total)"
    if is_passed:
        order = "sum(counted.total) - sum(counted.withheld)"
    query = (
        "SELECT value, sum(total)::BIGINT AS total, sum(withheld)::BIGINT AS withheld FROM "
        f"({' UNION ALL '.join(parts)}) AS counted GROUP BY value HAVING {order} > 0 "
        f"ORDER BY {order} DESC, value LIMIT {int(min(most, MAX_TOPS))}"
    )
    return [Top(str(v), int(t), int(w)) for v, t, w in connection.execute(query).fetchall()]


def distinct(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    dimension: str,
    since: int,
    until: int,
    *,
    rollups: Sequence[Segment] = (),
) -> int:
    """The number of different names, or values of one of the ``DIMENSIONS``."""
    if dimension != "name" and dimension not in DIMENSIONS:
        raise ValueError(dimension)
    parts = list(_counted(segments, dimension, since, until, rollups))
    if not parts:
        return 0
    query = f"SELECT count(DISTINCT value) FROM ({' UNION ALL '.join(parts)})"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def forwarded(
    connection: duckdb.DuckDBPyConnection, segments: Sequence[Segment], since: int, until: int
) -> dict[str, int]:
    """How many queries were sent to each upstream, the busiest first; answers from the cache are
    not counted."""
    touched = [one for one in segments if one.end >= since and one.begin < until]
    if not touched:
        return {}
    query = (
        f"SELECT upstream, {QUERIES} FROM read_parquet({_paths(touched, 'rows')}) WHERE "
        f"reason = 'forwarded' AND upstream IS NOT NULL AND {_within(since, until)} "
        "GROUP BY upstream ORDER BY 2 DESC, 1"
    )
    return {str(name): int(count) for name, count in connection.execute(query).fetchall()}


def sums(
    segments: Sequence[Segment], since: int, until: int, rollups: Sequence[Segment]
) -> str | None:
    """Sums per five minutes: stored ones of whole segments, computed ones of partial segments."""
    parts = rollup_sums(rollups, since, until)
    touched = [one for one in segments if one.end >= since and one.begin < until]
    whole = [one for one in touched if one.begin >= since and one.end < until]
    if whole:
        parts.append(f"SELECT * FROM read_parquet({_paths(whole, 'sums')})")
    for one in touched:
        if one.begin < since or one.end >= until:
            parts.append(
                f'SELECT "time" // {_BUCKET} * {_BUCKET} AS bucket, outcome, reason, transport, '
                f"{QUERIES} AS total, sum(duration_us)::BIGINT AS duration_us, "
                "count(*) FILTER (duration_us > 0) AS waited FROM "
                f"read_parquet({row_files([one])}) WHERE {_within(since, until)} GROUP BY ALL"
            )
    return " UNION ALL ".join(parts) or None


def rollup_sums(rollups: Sequence[Segment], since: int, until: int) -> list[str]:
    """Sums of removed rows; the span is extended to whole buckets of five minutes."""
    touched = [one for one in rollups if one.end >= since and one.begin < until]
    if not touched:
        return []
    return [
        f"SELECT * FROM read_parquet({_paths(touched, 'sums')}) WHERE "
        f"bucket >= {since // _BUCKET * _BUCKET} AND bucket < {int(until)}"
    ]


def _counted(
    segments: Sequence[Segment],
    dimension: str,
    since: int,
    until: int,
    rollups: Sequence[Segment],
) -> Iterable[str]:
    # A rollup cannot be split: it counts where the middle of its time span is.
    gone = [one for one in rollups if since <= (one.begin + one.end) // 2 < until]
    if gone:
        yield _from_counts(gone, dimension)
    touched = [one for one in segments if one.end >= since and one.begin < until]
    whole = [one for one in touched if one.begin >= since and one.end < until]
    if whole:
        yield _from_counts(whole, dimension)
    for one in touched:
        if one.begin < since or one.end >= until:
            yield (
                f'SELECT "{dimension}" AS value, {QUERIES} AS total, '
                f"{WITHHELD_QUERIES} AS withheld FROM "
                f"read_parquet({row_files([one])}) "
                f'WHERE "{dimension}" IS NOT NULL AND {_within(since, until)} GROUP BY ALL'
            )


def _from_counts(segments: Sequence[Segment], dimension: str) -> str:
    """The stored counts of segments."""
    if dimension == "name":
        return (
            f"SELECT name AS value, total, withheld FROM read_parquet({_paths(segments, 'names')})"
        )
    return (
        f"SELECT value, total, withheld FROM read_parquet({_paths(segments, 'tops')}) "
        f"WHERE dimension = '{dimension}'"
    )


def _within(since: int, until: int) -> str:
    return f'"time" >= {int(since)} AND "time" < {int(until)}'


def _paths(segments: Sequence[Segment], part: str) -> str:
    paths = ", ".join("'" + _quote(one.path(part)) + "'" for one in segments)
    # ``day=...`` in the folder's name is not a column.
    return f"[{paths}], hive_partitioning = false"


def _quote(path: Any) -> str:
    return str(path).replace("'", "''")
