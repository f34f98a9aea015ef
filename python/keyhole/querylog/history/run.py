"""Runs queries in DuckDB, with clear errors for invalid expressions."""

from collections.abc import Sequence
from typing import Any

import duckdb

from keyhole.querylog.history.criteria import SearchError
from keyhole.querylog.history.segment import Segment


def run(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """All rows; raises `SearchError` for an invalid expression, and ``duckdb.Error``."""
    try:
        return connection.execute(query, list(values)).fetchall()
    except duckdb.InvalidInputException as error:
        raise SearchError(f"the expression is invalid: {_first_line(error)}") from None


def paths(batch: Sequence[Segment], part: str) -> str:
    """The files of segments as an argument of ``read_parquet``."""
    found = ", ".join("'" + str(one.path(part)).replace("'", "''") + "'" for one in batch)
    # ``day=...`` in the folder's name is not a column.
    return f"[{found}], hive_partitioning = false"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
