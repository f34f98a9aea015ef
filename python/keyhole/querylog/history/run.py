"""Runs queries in DuckDB, with clear errors for invalid expressions."""

from collections.abc import Sequence
from typing import Any

import duckdb

from keyhole.querylog.history.criteria import Criteria, SearchError
from keyhole.querylog.history.segment import Segment


def run(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """All rows; raises ``duckdb.Error``."""
    return connection.execute(query, list(values)).fetchall()


def check(connection: duckdb.DuckDBPyConnection, criteria: Criteria) -> None:
    """Raises `SearchError` if the expression is invalid; it reads no file, so that a damaged one is
    never taken for an invalid expression."""
    if criteria.expression is None:
        return
    try:
        connection.execute("SELECT regexp_matches('', ?)", [criteria.expression]).fetchall()
    except duckdb.Error as error:
        raise SearchError(f"the expression is invalid: {_first_line(error)}") from None


def paths(batch: Sequence[Segment], part: str) -> str:
    """The files of segments as an argument of ``read_parquet``."""
    found = ", ".join("'" + str(one.path(part)).replace("'", "''") + "'" for one in batch)
    # ``day=...`` in the folder's name is not a column.
    return f"[{found}], hive_partitioning = false"


def _first_line(error: Exception) -> str:
    (first, *_) = str(error).splitlines() or [""]
    return first.removeprefix("Invalid Input Error: ")
