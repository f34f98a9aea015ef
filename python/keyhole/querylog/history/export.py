"""Exports matching queries to a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import duckdb

from keyhole.querylog.history.criteria import Criteria
from keyhole.querylog.history.run import check
from keyhole.querylog.history.schema import COLUMNS, ENGINE
from keyhole.querylog.history.search import matching
from keyhole.querylog.history.segment import Segment

Format = Literal["csv", "jsonl", "parquet"]
MAX_ROWS = 1_000_000

_FORMS = {
    "csv": "(FORMAT csv, HEADER)",
    "jsonl": "(FORMAT json)",
    "parquet": "(FORMAT parquet, COMPRESSION zstd)",
}
# CSV injection (OWASP): the first characters of a formula; and the apostrophe, so that a reader can
# remove one apostrophe from every text that begins with it.
_MARKED = r"^[=+\-@\t\r\x27]"
_KINDS = {**COLUMNS, ENGINE: "VARCHAR"}
_MOMENT = 'strftime(make_timestamp("time"), \'%Y-%m-%dT%H:%M:%S.%fZ\') AS "time"'


def export(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    criteria: Criteria,
    form: Format,
    target: Path,
) -> None:
    """Writes at most ``MAX_ROWS`` queries, the newest first. Raises `SearchError`, ``OSError`` and
    ``duckdb.Error``.

    In CSV, an apostrophe is put before text that a spreadsheet would take for a formula, and before
    text that begins with an apostrophe: clients may query any name.
    """
    check(connection, criteria)
    if not segments:
        kinds = {**_KINDS, "time": "BIGINT"}
        columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in kinds.items())
        source = f"(SELECT {columns} WHERE false)"
        values: list[Any] = []
    else:
        source, values = matching(segments, criteria)
    columns = ", ".join(_column(name, kind, form) for name, kind in _KINDS.items())
    quoted = str(target).replace("'", "''")
    connection.execute(
        f"COPY (SELECT {columns} FROM (SELECT * FROM {source} "
        f"ORDER BY \"time\" DESC LIMIT {MAX_ROWS})) TO '{quoted}' {_FORMS[form]}",
        values,
    )


def _column(name: str, kind: str, form: Format) -> str:
    if name == "time":
        return _MOMENT if form != "parquet" else 'make_timestamp("time") AS "time"'
    if form == "csv" and kind == "VARCHAR":
        # NULL stays NULL: mark || NULL is NULL.
        mark = f"CASE WHEN regexp_matches(\"{name}\", '{_MARKED}') THEN chr(39) ELSE '' END"
        return f'{mark} || "{name}" AS "{name}"'
    return f'"{name}"'
