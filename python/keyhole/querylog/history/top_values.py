"""The most frequent values among the queries that a search finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import duckdb

from keyhole.querylog.history.condition import Condition
from keyhole.querylog.history.criteria import Criteria
from keyhole.querylog.history.edge_queries import DOMAIN
from keyhole.querylog.history.matching_rows import matching_rows
from keyhole.querylog.history.name_index import NameIndex
from keyhole.querylog.history.protection import ProofRules
from keyhole.querylog.history.schema import QUERIES, WITHHELD_QUERIES
from keyhole.querylog.history.segment import Segment

Dimension = Literal[
    "domain", "name", "client", "policy", "list", "rule", "reason", "outcome",
    "transport", "type", "upstream", "engine", "protection", "proof",
]  # fmt: skip
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
_EXPRESSIONS = {"domain": "name", "client": "coalesce(identity, token, client)"}
_PROOF_COLUMNS = "transport, tls, identity, token, client, policy, reason"


@dataclass(frozen=True)
class TopValue:
    """A value with its number of queries, how many of those were withheld, and the time of the last
    one in microseconds of Unix time."""

    value: str
    total: int
    withheld: int
    last: int


@dataclass(frozen=True)
class TopValues:
    """The values, the most frequent first; ``searched_to`` as in a page of a search."""

    values: list[TopValue]
    searched_to: int | None = None


def top_values(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    name_indexes: Sequence[NameIndex],
    criteria: Criteria,
    dimension: Dimension,
    *,
    most: int = 100,
    rules: ProofRules | None = None,
) -> TopValues:
    """At most ``most`` values of matching rows; ``rules`` tell protection and proof. Raises
    ``SearchError`` and ``duckdb.Error``."""
    if dimension not in DIMENSIONS:
        raise ValueError(dimension)
    value = _value(dimension, rules or ProofRules())
    read = _PROOF_COLUMNS if value.values else f"{value.sql} AS value"
    columns = f'{read}, "time", outcome, "count"'
    rows = matching_rows(connection, segments, name_indexes, criteria, columns=columns)
    if rows is None:
        return TopValues([])
    relation = rows.relation
    if value.values:
        # Its placeholders stand once, before those of the rows.
        relation = f"(SELECT {value.sql} AS value, * FROM {relation})"
    counted = (
        f"WITH counted AS MATERIALIZED (SELECT value, {QUERIES} AS total, "
        f'{WITHHELD_QUERIES} AS withheld, max("time") AS last '
        f"FROM {relation} WHERE value IS NOT NULL GROUP BY value)"
    )
    grouped = "counted"
    if dimension == "domain":
        grouped = (
            f"(SELECT {DOMAIN} AS value, sum(total)::BIGINT AS total, "
            "sum(withheld)::BIGINT AS withheld, max(last) AS last "
            "FROM (SELECT * RENAME (value AS name) FROM counted) GROUP BY ALL)"
        )
    query = (
        f"{counted} SELECT value, total, withheld, last FROM {grouped} "
        f"ORDER BY total DESC, value LIMIT {int(most) + 1}"
    )
    # Names of one label have no domain. In SQL, this condition would be moved to the rows and take
    # ten times as long.
    given = [*value.values, *rows.values]
    found = [one for one in connection.execute(query, given).fetchall() if one[0] is not None]
    values = [TopValue(str(value), *map(int, rest)) for value, *rest in found[:most]]
    return TopValues(values, rows.searched_to)


def _value(dimension: Dimension, rules: ProofRules) -> Condition:
    """The value of a row as an expression in SQL."""
    if dimension == "protection":
        return rules.protection
    if dimension == "proof":
        return rules.proof
    return Condition([_EXPRESSIONS.get(dimension, f'"{dimension}"')])
