"""Who asked whom: the queries of a time span, counted by client, engine, verdict and upstream.

The counts come from the same rows, rollups and engine counts as the statistics, so their sum is
the total of the statistics for the same span.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb

from keyhole.querylog.history.criteria import Condition
from keyhole.querylog.history.schema import QUERIES
from keyhole.querylog.history.segment import Segment, row_files
from keyhole.querylog.history.statistics import rollup_sums
from keyhole.querylog.history.uncounted import Missing

MAX_CLIENTS = 400
"""Clients that are told apart; those with fewer queries are summed up by namespace or network."""
WAIT_STEPS = 8
"""Wait times are counted in intervals; so many of them double the time."""
Origin = Literal["row", "deleted", "unlogged", "lost"]

_NAMESPACE = (
    "coalesce(nullif(regexp_extract(identity, '^spiffe://[^/]+/ns/([^/]+)/', 1), ''), "
    "nullif(regexp_extract(identity, '^spiffe://[^/]+/(.+)/[^/]+$', 1), ''))"
)
"""The namespace of a SPIFFE ID: what follows ``ns``, else all of the path but its last part."""
_DOMAIN = (
    r"regexp_extract(name, '((?:[^.]+\.(?:ac|co|com|edu|gov|net|org)\.[^.]{2})|[^.]+\.[^.]+)$')"
)
"""The last two labels of a name, three below the usual second levels of countries."""
_NO_DOMAIN = "NULL::VARCHAR"
_WAIT = f"CASE WHEN duration_us > 0 THEN round(log2(duration_us) * {WAIT_STEPS})::INTEGER END"
# A client that is summed up keeps its namespace, or the first three octets of its IPv4 address.
_REST = (
    "regexp_replace(identity, '/[^/]+$', '/*') AS identity, "
    "CASE WHEN token IS NOT NULL THEN '*' END AS token, "
    "CASE WHEN client LIKE '%.%' THEN regexp_replace(client, '[0-9]+$', '*') "
    "WHEN client IS NOT NULL THEN '*' END AS client"
)


@dataclass(frozen=True)
class EdgeCriteria:
    """Which queries are counted: from ``since`` until before ``until``, in microseconds of Unix
    time; each given word must match."""

    since: int
    until: int
    step: int | None = None
    """The length of the intervals that are counted apart, in microseconds; none for one count."""
    namespace: str | None = None
    outcome: str | None = None
    transport: str | None = None
    policy: str | None = None
    has_domains: bool = False
    """Whether to count by registered domain, too."""

    @property
    def condition(self) -> Condition:
        """The condition on rows."""
        found = Condition()
        found.add('"time" >= ? AND "time" < ?', self.since, self.until)
        for column in ("outcome", "transport", "policy"):
            value = getattr(self, column)
            if value is not None:
                found.add(f"{column} = ?", value)
        if self.namespace is not None:
            found.add(f"{_NAMESPACE} = ?", self.namespace)
        return found

    def has_place_for(self, transport: str, outcome: str) -> bool:
        """Whether counts without a row may match: nothing else is known of them."""
        if self.namespace is not None or self.policy is not None:
            return False
        return self.transport in (None, transport) and self.outcome in (None, outcome)

    def interval_of(self, time: int) -> int:
        """The start of the interval of a time in microseconds."""
        if self.step is None:
            return self.since
        return max(self.since, self.since + (time - self.since) // self.step * self.step)


@dataclass(frozen=True)
class EdgeRow:
    """Queries that are alike in everything that is said here."""

    interval: int
    """The start of their interval, in microseconds of Unix time."""
    engine: str | None
    identity: str | None
    token: str | None
    client: str | None
    policy: str | None
    transport: str
    outcome: str
    reason: str
    upstream: str | None
    domain: str | None
    queries: int
    waited: int = 0
    """Those of them that waited for an upstream."""
    waits: dict[int, int] = field(default_factory=dict)
    """How many waited for about ``2 ** (key / WAIT_STEPS)`` microseconds, by key."""
    origin: Origin = "row"
    """``deleted`` if the rows are deleted, ``unlogged`` or ``lost`` if there never was one."""


def edges(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    wanted: EdgeCriteria,
    *,
    rollups: Sequence[Segment] = (),
) -> list[EdgeRow]:
    """Counts of the rows in a time span, and of deleted ones. Raises ``duckdb.Error``."""
    found = list(_deleted(connection, rollups, wanted))
    touched = [one for one in segments if one.end >= wanted.since and one.begin < wanted.until]
    if touched:
        query = _query(touched, wanted)
        found += (
            _row(one) for one in connection.execute(query, wanted.condition.values).fetchall()
        )
    return found


def missing_edges(missing: Iterable[Missing], wanted: EdgeCriteria) -> list[EdgeRow]:
    """Counts of queries that never had a row."""
    found = []
    for one in missing:
        transport, outcome, _ = one.key
        if not wanted.has_place_for(transport, outcome):
            continue
        unlogged = max(0, min(one.unlogged, one.total))
        parts: tuple[tuple[Origin, int], ...] = (
            ("unlogged", unlogged),
            ("lost", one.total - unlogged),
        )
        found += [
            _without_row(wanted.interval_of(one.bucket), one.key, count, origin)
            for origin, count in parts
            if count
        ]
    return found


def _query(segments: Sequence[Segment], wanted: EdgeCriteria) -> str:
    since, step = int(wanted.since), wanted.step
    interval = f'("time" - {since}) // {int(step)} * {int(step)} + {since}' if step else f"{since}"
    domain = _DOMAIN if wanted.has_domains else _NO_DOMAIN
    known = (
        f"SELECT *, {interval} AS moment, {domain} AS domain, {_WAIT} AS wait, "
        "coalesce(identity, token, client, '') AS asker "
        f"FROM read_parquet({row_files(segments)}) WHERE {wanted.condition.sql}"
    )
    groups = "moment, engine, policy, transport, outcome, reason, upstream, domain"
    counts = (
        f"{QUERIES} AS queries, count(wait) AS waited, "
        "histogram(wait) FILTER (wait IS NOT NULL) AS waits"
    )
    return (
        f"WITH known AS ({known}), busiest AS (SELECT asker FROM known GROUP BY asker "
        f'ORDER BY sum(coalesce("count", 1)) DESC, asker LIMIT {MAX_CLIENTS}), '
        "named AS (SELECT * FROM known WHERE asker IN (FROM busiest) UNION ALL BY NAME "
        f"SELECT * REPLACE ({_REST}) FROM known WHERE asker NOT IN (FROM busiest)) "
        f"SELECT {groups}, identity, token, client, {counts} FROM named GROUP BY ALL"
    )


def _row(values: Sequence[Any]) -> EdgeRow:
    moment, engine, policy, transport, outcome, reason, upstream, domain = values[:8]
    identity, token, client, queries, waited, waits = values[8:]
    return EdgeRow(
        interval=int(moment),
        engine=engine,
        identity=identity,
        token=token,
        client=client,
        policy=policy,
        transport=str(transport),
        outcome=str(outcome),
        reason=str(reason),
        upstream=upstream,
        domain=domain or None,
        queries=int(queries),
        waited=int(waited),
        waits=dict(waits or {}),
    )


def _deleted(
    connection: duckdb.DuckDBPyConnection, rollups: Sequence[Segment], wanted: EdgeCriteria
) -> Iterator[EdgeRow]:
    for sums in rollup_sums(rollups, wanted.since, wanted.until):
        query = (
            "SELECT bucket, transport, outcome, reason, sum(total)::BIGINT "
            f"FROM ({sums}) GROUP BY ALL"
        )
        for bucket, transport, outcome, reason, total in connection.execute(query).fetchall():
            if wanted.has_place_for(transport, outcome):
                key = (str(transport), str(outcome), str(reason))
                yield _without_row(wanted.interval_of(bucket), key, int(total), "deleted")


def _without_row(interval: int, key: tuple[str, str, str], queries: int, origin: Origin) -> EdgeRow:
    transport, outcome, reason = key
    return EdgeRow(
        interval=interval,
        engine=None,
        identity=None,
        token=None,
        client=None,
        policy=None,
        transport=transport,
        outcome=outcome,
        reason=reason,
        upstream=None,
        domain=None,
        queries=queries,
        origin=origin,
    )
