"""Who asked whom: the queries of a time span, counted by client, engine, verdict and upstream.

The counts come from the same rows, rollups and engine counts as the statistics, so their sum is
the total of the statistics for the same span.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import duckdb

from keyhole.querylog.history.criteria import Condition
from keyhole.querylog.history.edge_queries import (
    NAMESPACE,
    clients_query,
    domains_query,
    series_query,
)
from keyhole.querylog.history.segment import Segment
from keyhole.querylog.history.statistics import rollup_sums
from keyhole.querylog.history.uncounted import Missing

Origin = Literal["row", "deleted", "unlogged", "lost"]
Kind = Literal["client", "domain", "interval"]


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
            found.add(f"{NAMESPACE} = ?", self.namespace)
        return found

    def has_place_for(self, transport: str, outcome: str) -> bool:
        """Whether counts without a row may match: nothing else is known of them."""
        if self.namespace is not None or self.policy is not None:
            return False
        return self.transport in (None, transport) and self.outcome in (None, outcome)

    def interval_of(self, time: int, step: int) -> int:
        """The start of the interval of a time in microseconds."""
        return max(self.since, self.since + (time - self.since) // step * step)


@dataclass(frozen=True)
class EdgeRow:
    """Queries that are alike in everything that is said here.

    The rows of each kind count all queries again: by client; by domain, where identity, token and
    client say no more than that there is one; and by interval.
    """

    outcome: str
    reason: str
    queries: int
    transport: str = ""
    engine: str | None = None
    identity: str | None = None
    token: str | None = None
    client: str | None = None
    policy: str | None = None
    upstream: str | None = None
    tls: str | None = None
    """The version of TLS of the client's connection; ``none`` for DoH without; none where the
    transport has no TLS, and for rows from before it was kept."""
    upstream_tls: str | None = None
    """That of the connection to the upstream, where it was asked over TLS, and kept."""
    domain: str | None = None
    interval: int = 0
    """The start of their interval, in microseconds of Unix time."""
    waited: int = 0
    """Those of them that waited for an upstream."""
    waits: dict[int, int] = field(default_factory=dict)
    """How many waited for about ``2 ** (key / WAIT_STEPS)`` microseconds, by key."""
    origin: Origin = "row"
    """``deleted`` if the rows are deleted, ``unlogged`` or ``lost`` if there never was one."""
    kind: Kind = "client"


def edges(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    wanted: EdgeCriteria,
    *,
    rollups: Sequence[Segment] = (),
) -> list[EdgeRow]:
    """Counts of the rows in a time span, and of deleted ones. Raises ``duckdb.Error``."""
    found = list(deleted_edges(connection, rollups, wanted))
    touched = [one for one in segments if one.end >= wanted.since and one.begin < wanted.until]
    if not touched:
        return found
    condition = wanted.condition

    def rows(kind: Kind, query: str) -> Iterator[EdgeRow]:
        for named in named_rows(connection.execute(query, condition.values)):
            waits = _added(named.pop("waits", None))
            yield EdgeRow(**named, waits=waits, kind=kind)

    found += rows("client", clients_query(touched, condition.sql))
    if wanted.has_domains:
        found += rows("domain", domains_query(touched, condition.sql))
    if wanted.step is not None:
        found += rows("interval", series_query(touched, condition.sql, wanted.since, wanted.step))
    return found


def named_rows(answer: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """The rows of an answer, by the names of its columns."""
    columns = [column[0] for column in answer.description or ()]
    for values in answer.fetchall():
        yield dict(zip(columns, values, strict=True))


def missing_edges(missing: Iterable[Missing], wanted: EdgeCriteria) -> list[EdgeRow]:
    """Counts of queries that never had a row."""
    found: list[EdgeRow] = []
    for one in missing:
        unlogged = max(0, min(one.unlogged, one.total))
        found += _without_row(one.bucket, one.key, unlogged, "unlogged", wanted)
        found += _without_row(one.bucket, one.key, one.total - unlogged, "lost", wanted)
    return found


def _added(pairs: Iterable[tuple[int, int]] | None) -> dict[int, int]:
    found: dict[int, int] = {}
    for key, count in pairs or ():
        found[key] = found.get(key, 0) + count
    return found


def deleted_edges(
    connection: duckdb.DuckDBPyConnection, rollups: Sequence[Segment], wanted: EdgeCriteria
) -> Iterator[EdgeRow]:
    """Counts of deleted rows."""
    for sums in rollup_sums(rollups, wanted.since, wanted.until):
        query = (
            "SELECT bucket, transport, outcome, reason, sum(total)::BIGINT "
            f"FROM ({sums}) GROUP BY ALL"
        )
        for bucket, transport, outcome, reason, total in connection.execute(query).fetchall():
            key = (transport, outcome, reason)
            yield from _without_row(bucket, key, total, "deleted", wanted)


def _without_row(
    bucket: int, key: tuple[str, str, str], queries: int, origin: Origin, wanted: EdgeCriteria
) -> Iterator[EdgeRow]:
    """Queries of which nothing but this is known, if they are wanted."""
    transport, outcome, reason = key
    if not queries or not wanted.has_place_for(transport, outcome):
        return
    row = EdgeRow(outcome, reason, queries, transport, origin=origin)
    yield row
    if wanted.step is not None:
        yield replace(row, kind="interval", interval=wanted.interval_of(bucket, wanted.step))
