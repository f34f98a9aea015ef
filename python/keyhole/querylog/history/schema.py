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
    "answer": "VARCHAR",
    "tls": "VARCHAR",
    "upstream_tls": "VARCHAR",
    "observed": "VARCHAR",
    "upstream": "VARCHAR",
    "duration_us": "BIGINT",
    "snapshot": "BIGINT",
    "count": "BIGINT",
}
"""Columns by name, with the type in which DuckDB reads them from JSON."""

OPTIONAL = ("file", "line", "target", "allow", "answer", "tls", "upstream_tls", "count")
"""Columns that a line leaves out where it has nothing to say, and that older files do not have."""
ENGINE = "engine"
"""The engine that wrote a query: the SPIFFE ID of its certificate, or `LOCAL`. What it writes is no
source for that. Rows from before this column have none."""
LOCAL = "local"
NAMES = (*COLUMNS, ENGINE)
SELECT = ", ".join(
    'epoch_us("time") AS "time"' if name == TIME else f'"{name}"' for name in COLUMNS
)
"""Converts what was read from JSON into rows, but for the engine."""

QUERIES = 'coalesce(sum(coalesce("count", 1)), 0)::BIGINT'
"""How many queries rows stand for: those that were turned away, and alike ones of a second, may be
summed up in one row."""
WITHHELD = "outcome IN ('blocked', 'refused')"
"""Whether the client did not get the answer."""
WITHHELD_QUERIES = f'coalesce(sum(coalesce("count", 1)) FILTER ({WITHHELD}), 0)::BIGINT'


def read_json(path: str) -> str:
    """The lines of a query log file as a relation, without damaged lines."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    quoted = path.replace("'", "''")
    return (
        f"read_json('{quoted}', columns = {{{columns}, 'lost': 'BIGINT'}}, "
        "format = 'newline_delimited', ignore_errors = true, compression = 'uncompressed')"
    )
