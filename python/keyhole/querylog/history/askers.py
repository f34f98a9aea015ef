"""Who asked, and when last: queries of a time span, counted by client and by what proves who it is.

The counts come from the same rows as those of the graph, so their sum is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from keyhole.querylog.history.criteria import Condition
from keyhole.querylog.history.edge_queries import askers_query
from keyhole.querylog.history.edges import EdgeCriteria, EdgeRow, deleted_edges, named_rows
from keyhole.querylog.history.schema import QUERIES, WITHHELD_QUERIES
from keyhole.querylog.history.segment import Segment, row_files
from keyhole.querylog.history.statistics import Top

MAX_ADDRESSES = 50
"""Addresses of one client that are named."""
MAX_NAMES = 10
"""Names of one client that are named."""


@dataclass(frozen=True)
class AskerRow:
    """Queries of one client that are alike in everything that the edge says; ``last`` is the time
    of the last one in microseconds of Unix time, none where no row is left."""

    edge: EdgeRow
    last: int | None


@dataclass(frozen=True)
class Claims:
    """How queries are told whose identity was only claimed: by their reason, or by the policy for
    expired certificates, if there is one."""

    reasons: tuple[str, ...]
    policy: str | None = None

    @property
    def condition(self) -> Condition:
        """The condition on rows; never NULL, so that it may be negated."""
        found = Condition()
        found.add(
            "(list_contains(?, reason) OR coalesce(policy = ?, false))",
            list(self.reasons),
            self.policy,
        )
        return found


@dataclass(frozen=True)
class Asker:
    """One client: a SPIFFE ID, also one that was only claimed, the name of a token, an address, or
    the policy that hides which client it was."""

    kind: Literal["identity", "claimed", "token", "address", "anonymous"]
    value: str

    def condition(self, claims: Claims) -> Condition:
        """The condition on rows. A credential says who it is; the address counts without one."""
        found = Condition()
        match self.kind:
            case "identity" | "claimed":
                found.add("identity = ?", self.value)
                claimed = claims.condition
                sign = "" if self.kind == "claimed" else "NOT "
                found.add(f"{sign}{claimed.sql}", *claimed.values)
            case "token":
                found.add("token = ? AND identity IS NULL", self.value)
            case "address":
                found.add("client = ? AND identity IS NULL AND token IS NULL", self.value)
            case "anonymous":
                nobody = "identity IS NULL AND token IS NULL AND client IS NULL"
                found.add(f"policy = ? AND {nobody}", self.value)
        return found


@dataclass(frozen=True)
class AddressUse:
    """An address from which a client asked."""

    address: str
    queries: int
    last: int


@dataclass(frozen=True)
class Activity:
    """What one client did: its busiest names, its addresses, and the series of its queries by
    start of the interval and outcome."""

    names: list[Top]
    addresses: list[AddressUse]
    series: list[tuple[int, dict[str, int]]]


def askers(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    wanted: EdgeCriteria,
    *,
    rollups: Sequence[Segment] = (),
) -> list[AskerRow]:
    """Counts of the rows in a time span, and of deleted ones. Raises ``duckdb.Error``."""
    found = [AskerRow(one, None) for one in deleted_edges(connection, rollups, wanted)]
    touched = _touched(segments, wanted.since, wanted.until)
    if touched:
        condition = wanted.condition
        query = askers_query(touched, condition.sql)
        for named in named_rows(connection.execute(query, condition.values)):
            last = int(named.pop("last"))
            found.append(AskerRow(EdgeRow(**named), last))
    return found


def activity(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    asker: Asker,
    claims: Claims,
    wanted: EdgeCriteria,
) -> Activity:
    """What a client did in a time span, in its intervals. Raises ``duckdb.Error``."""
    since, step = wanted.since, wanted.step or wanted.until - wanted.since
    touched = _touched(segments, since, wanted.until)
    if not touched:
        return Activity([], [], [])
    condition = wanted.condition
    condition.include(asker.condition(claims))
    source = f"read_parquet({row_files(touched)}) WHERE {condition.sql}"

    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query, condition.values).fetchall()

    names = rows(
        f"SELECT name, {QUERIES} AS total, {WITHHELD_QUERIES} FROM {source} "
        f"AND name IS NOT NULL GROUP BY name ORDER BY total DESC, name LIMIT {MAX_NAMES}"
    )
    addresses = rows(
        f'SELECT client, {QUERIES} AS total, max("time")::BIGINT FROM {source} '
        f"AND client IS NOT NULL GROUP BY client ORDER BY total DESC, client LIMIT {MAX_ADDRESSES}"
    )
    moment = f'("time" - {int(since)}) // {int(step)} * {int(step)} + {int(since)}'
    counts = rows(f"SELECT {moment} AS moment, outcome, {QUERIES} FROM {source} GROUP BY ALL")
    series: dict[int, dict[str, int]] = {}
    for at, outcome, queries in counts:
        series.setdefault(int(at), {})[str(outcome)] = int(queries)
    return Activity(
        names=[Top(str(name), int(total), int(held)) for name, total, held in names],
        addresses=[AddressUse(str(one), int(n), int(last)) for one, n, last in addresses],
        series=sorted(series.items()),
    )


def last_seen(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    since: int,
    claims: Claims,
) -> dict[Asker, int]:
    """When each identity and each token was used last, in microseconds; what was only claimed is
    no use."""
    touched = [one for one in segments if one.end >= since]
    if not touched:
        return {}
    found: dict[Asker, int] = {}
    condition = claims.condition
    kinds: tuple[Literal["identity", "token"], ...] = ("identity", "token")
    for kind in kinds:
        query = (
            f'SELECT {kind}, max("time")::BIGINT FROM read_parquet({row_files(touched)}) WHERE '
            f'{kind} IS NOT NULL AND "time" >= ? AND NOT {condition.sql} GROUP BY {kind}'
        )
        for value, last in connection.execute(query, [since, *condition.values]).fetchall():
            found[Asker(kind, str(value))] = int(last)
    return found


def addresses(
    connection: duckdb.DuckDBPyConnection, segments: Sequence[Segment], since: int, until: int
) -> list[str]:
    """The addresses of all clients that are known by nothing else. Raises ``duckdb.Error``."""
    touched = _touched(segments, since, until)
    if not touched:
        return []
    query = (
        f"SELECT DISTINCT client FROM read_parquet({row_files(touched)}) WHERE client IS NOT NULL "
        'AND identity IS NULL AND token IS NULL AND "time" >= ? AND "time" < ?'
    )
    return [str(one) for (one,) in connection.execute(query, [since, until]).fetchall()]


def has_token(
    connection: duckdb.DuckDBPyConnection, segments: Sequence[Segment], name: str
) -> bool:
    """Whether a query came with this token. Raises ``duckdb.Error``."""
    if not segments:
        return False
    query = f"SELECT 1 FROM read_parquet({row_files(segments)}) WHERE token = ? LIMIT 1"
    return connection.execute(query, [name]).fetchone() is not None


def _touched(segments: Sequence[Segment], since: int, until: int) -> list[Segment]:
    return [one for one in segments if one.end >= since and one.begin < until]
