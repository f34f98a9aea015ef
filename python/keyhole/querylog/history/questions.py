"""The different questions among the queries that a search finds, for judging them again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from keyhole.querylog.history.criteria import Criteria
from keyhole.querylog.history.matching_rows import MAX_ROWS_READ, matching_rows
from keyhole.querylog.history.name_index import NameIndex
from keyhole.querylog.history.schema import QUERIES
from keyhole.querylog.history.segment import Segment

MAX_QUESTIONS = 50_000
"""Different questions of one answer; the most frequent ones are taken."""
_DISTINCT = (
    "identity, CASE WHEN identity IS NULL THEN token END AS token, "
    "CASE WHEN identity IS NULL AND token IS NULL THEN client END AS client, "
    'policy, name, "type", outcome, reason'
)
"""The address of a client that is known by identity or token decides nothing."""
MAX_ROWS_GROUPED = 1_000_000
"""They are grouped by long texts, so fewer rows are read than for a histogram, unless names are
given and few rows are left."""


@dataclass(frozen=True)
class LoggedQuestion:
    """Alike queries. ``time`` is that of the first, in microseconds of Unix time; ``name`` and
    ``type`` are none where the message was not a valid query."""

    identity: str | None
    token: str | None
    client: str | None
    policy: str | None
    name: str | None
    type: str | None
    outcome: str
    reason: str
    is_observed: bool
    time: int
    queries: int


@dataclass(frozen=True)
class Questions:
    """The questions, the most frequent first; ``searched_to`` as in a page of a search."""

    questions: list[LoggedQuestion] = field(default_factory=list)
    queries: int = 0
    """All queries, also those of questions that were left out."""
    searched_to: int | None = None


def questions(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    name_indexes: Sequence[NameIndex],
    criteria: Criteria,
    *,
    minutes: int | None = None,
    most: int = MAX_QUESTIONS,
) -> Questions:
    """The questions of matching rows. ``minutes`` tells apart queries in different intervals of so
    many minutes, for schedules. Raises ``SearchError`` and ``duckdb.Error``."""
    groups = 'identity, token, client, policy, name, "type", outcome, reason'
    columns = f'{_DISTINCT}, observed IS NOT NULL AS is_observed, "time", "count"'
    interval = "" if minutes is None else f', "time" // {int(minutes) * 60_000_000}'
    limit = MAX_ROWS_GROUPED if criteria.about_names is None else MAX_ROWS_READ
    rows = matching_rows(connection, segments, name_indexes, criteria, columns=columns, most=limit)
    if rows is None:
        return Questions()
    query = (
        f'SELECT {groups}, is_observed, min("time"), {QUERIES} AS queries, '
        f"sum({QUERIES}) OVER ()::BIGINT FROM {rows.relation} "
        f"GROUP BY {groups}, is_observed{interval} ORDER BY queries DESC LIMIT {int(most)}"
    )
    found = connection.execute(query, rows.values).fetchall()
    every = int(found[0][-1]) if found else 0
    return Questions([LoggedQuestion(*one[:-1]) for one in found], every, rows.searched_to)
