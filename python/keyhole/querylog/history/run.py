"""Asks DuckDB, and says in plain words what is wrong with an expression."""

from collections.abc import Sequence
from typing import Any

import duckdb

from keyhole.querylog.history.criteria import SearchError
from keyhole.querylog.history.segment import Segment


def run(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """All rows; raises `SearchError` for an expression that is none, and ``duckdb.Error``."""
    try:
        return connection.execute(query, list(values)).fetchall()
    except duckdb.InvalidInputException as error:
        raise SearchError(f"the expression cannot be read: {_first_line(error)}") from None


def paths(batch: Sequence[Segment], part: str) -> str:
    """The files of segments, as ``read_parquet`` takes them."""
    found = ", ".join("'" + str(one.path(part)).replace("'", "''") + "'" for one in batch)
    # The name of the folder is no column.
    return f"[{found}], hive_partitioning = false"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
