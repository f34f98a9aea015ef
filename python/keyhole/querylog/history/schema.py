"""What a row of the history holds: the fields of a line of the query log."""

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
    "observed": "VARCHAR",
    "upstream": "VARCHAR",
    "duration_us": "BIGINT",
    "snapshot": "BIGINT",
}
"""By name, with the type that DuckDB reads them as."""

NAMES = tuple(COLUMNS)
SELECT = ", ".join(
    'epoch_us("time") AS "time"' if name == TIME else f'"{name}"' for name in COLUMNS
)
"""Turns what was read from JSON into a row."""

WITHHELD = "outcome IN ('blocked', 'refused')"
"""Whether a query was withheld from its client."""


def read_json(path: str) -> str:
    """The lines of a file of the query log, as a relation; those that are damaged are left out."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    quoted = path.replace("'", "''")
    return (
        f"read_json('{quoted}', columns = {{{columns}, 'lost': 'BIGINT'}}, "
        "format = 'newline_delimited', ignore_errors = true, compression = 'uncompressed')"
    )
