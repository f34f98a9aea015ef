"""The columns of the history: the fields of the query log."""

TIME = "time"
"""Microseconds of Unix time."""

COLUMNS: dict[str, str] = {
    "time": "TIMESTAMP",
    "transport": "VARCHAR",
    "client": "VARCHAR",
    "identity": "VARCHAR",
    "token": "VARCHAR",
    "policy": "VARCHAR",
    "name": "VARCHAR",
    "type": "VARCHAR",
    "outcome": "VARCHAR",
    "reason": "VARCHAR",
    "rule": "VARCHAR",
    "list": "VARCHAR",
    "file": "VARCHAR",
    "line": "BIGINT",
    "target": "VARCHAR",
    "allow": "VARCHAR",
    "observed": "VARCHAR",
    "upstream": "VARCHAR",
    "duration_us": "BIGINT",
    "snapshot": "BIGINT",
}
"""Columns by name, with the type in which DuckDB reads them from JSON."""

NAMES = tuple(COLUMNS)
OPTIONAL = ("file", "line", "target", "allow")
"""Columns that a line leaves out where it has nothing to say."""
_STORED = {**COLUMNS, TIME: "BIGINT"}
NO_ROWS = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in _STORED.items())
NO_ROWS = f"(SELECT {NO_ROWS} WHERE false)"
"""A relation with all columns and no rows."""
SELECT = ", ".join(
    'epoch_us("time") AS "time"' if name == TIME else f'"{name}"' for name in COLUMNS
)
"""Converts what was read from JSON into rows."""

WITHHELD = "outcome IN ('blocked', 'refused')"
"""Whether the client did not get the answer."""


def with_all_columns(files: str) -> str:
    """Rows of history files as a relation with all columns: files of an older version lack some.

    ``files`` are arguments of ``read_parquet``.
    """
    rows = f"SELECT * FROM read_parquet({files}, union_by_name = true)"
    return f"(({rows}) UNION ALL BY NAME {NO_ROWS})"


def read_json(path: str) -> str:
    """The lines of a query log file as a relation, without damaged lines."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    quoted = path.replace("'", "''")
    return (
        f"read_json('{quoted}', columns = {{{columns}, 'lost': 'BIGINT'}}, "
        "format = 'newline_delimited', ignore_errors = true, compression = 'uncompressed')"
    )
