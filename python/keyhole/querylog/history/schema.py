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
INTAKE = "intake"
"""The number under which a row was taken in (`keyhole.querylog.intake`). Rows from before
this column have none."""
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


_WORDS = " AND ".join(
    f"regexp_full_match({word}, '[a-z0-9_]{{1,64}}')" for word in ("transport", "outcome", "reason")
)
IS_WHOLE = (
    f'coalesce("time" IS NOT NULL AND {_WORDS} AND duration_us BETWEEN 0 AND 1000000000000 '
    'AND coalesce("snapshot", 0) >= 0 AND coalesce("line", 0) >= 0 '
    'AND coalesce("count", 1) BETWEEN 1 AND 1000000000 '
    'AND ("name" IS NULL) = ("type" IS NULL), false)'
)
"""Whether a line says what every query has: one that does not would fail each search that meets
it. The numbers are larger than any true one, and too small for a sum of all rows to overflow."""


def read_json(path: str) -> str:
    """The lines of a query log file as a relation, without damaged lines."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    quoted = path.replace("'", "''")
    return (
        f"read_json('{quoted}', columns = {{{columns}, 'lost': 'BIGINT'}}, "
        "format = 'newline_delimited', ignore_errors = true, compression = 'uncompressed')"
    )
