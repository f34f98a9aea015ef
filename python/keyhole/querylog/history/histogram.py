"""Counts of the queries that a search finds, over time."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import duckdb

from keyhole.querylog.history.criteria import Condition, Criteria
from keyhole.querylog.history.matching_rows import matching_rows
from keyhole.querylog.history.name_index import NameIndex
from keyhole.querylog.history.segment import BUCKET_SECONDS, Segment
from keyhole.querylog.history.statistics import sums

MAX_BARS = 500
_MICROS = 1_000_000
STEPS = (
    *(1, 2, 5, 10, 30),
    *(60, 120, 300, 600, 1_800),
    *(3_600, 10_800, 21_600, 43_200),
    *(86_400, 604_800, 2_592_000),
)
"""Lengths of a bar in seconds."""
_IN_SUMS = frozenset({"since", "until", "outcome", "reason", "transport"})
"""Criteria that the stored sums of segments know."""


@dataclass(frozen=True)
class Histogram:
    """Queries by start of the bar and outcome; times are microseconds of Unix time.

    Bars without queries are left out. ``searched_to`` as in a page of a search.
    """

    since: int
    until: int
    step: int
    bars: list[tuple[int, dict[str, int]]]
    searched_to: int | None = None

    @property
    def total(self) -> int:
        """All queries."""
        return sum(sum(counts.values()) for _, counts in self.bars)


def histogram(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    name_indexes: Sequence[NameIndex],
    criteria: Criteria,
    *,
    until: int,
    most: int = 120,
) -> Histogram:
    """At most ``most`` bars; without a time span those of all rows until ``until``. Raises
    ``SearchError`` and ``duckdb.Error``."""
    end = until if criteria.until is None else criteria.until
    oldest = min((one.begin for one in segments), default=end)
    begin = oldest if criteria.since is None else criteria.since
    begin = min(begin, end)
    step = step_of(begin, end, most)
    wanted = replace(criteria, since=begin, until=end)
    found = Histogram(begin, end, step, [])
    if _is_in_sums(criteria) and step % (BUCKET_SECONDS * _MICROS) == 0:
        relation = sums(segments, begin, end, ())
        condition = replace(wanted, since=None, until=None).condition
        return found if relation is None else _count(connection, found, relation, condition)
    columns = '"time" AS bucket, outcome, coalesce("count", 1) AS total'
    rows = matching_rows(connection, segments, name_indexes, wanted, columns=columns)
    if rows is None:
        return found
    found = replace(found, searched_to=rows.searched_to)
    return _count(connection, found, rows.relation, Condition(values=rows.values))


def step_of(begin: int, end: int, most: int) -> int:
    """The shortest bar, in microseconds, of which at most ``most`` cover the span."""
    bars = max(1, min(most, MAX_BARS) - 1)
    for seconds in STEPS:
        if seconds * _MICROS * bars >= end - begin:
            return seconds * _MICROS
    return -(-(end - begin) // (STEPS[-1] * _MICROS * bars)) * STEPS[-1] * _MICROS


def _is_in_sums(criteria: Criteria) -> bool:
    given = {one.name for one in fields(criteria) if getattr(criteria, one.name) is not None}
    return given <= _IN_SUMS


def _count(
    connection: duckdb.DuckDBPyConnection, found: Histogram, relation: str, condition: Condition
) -> Histogram:
    bars: dict[int, dict[str, int]] = {}
    query = (
        f"SELECT bucket // {found.step} * {found.step}, outcome, sum(total)::BIGINT "
        f"FROM ({relation}) WHERE {condition.sql} GROUP BY ALL ORDER BY 1, 2"
    )
    for moment, outcome, count in connection.execute(query, condition.values).fetchall():
        bars.setdefault(int(moment), {})[str(outcome)] = int(count)
    return replace(found, bars=sorted(bars.items()))
