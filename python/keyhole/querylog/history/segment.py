"""A segment: rows of one day in a file, with files of names and counts beside it.

==================  ================================================================================
``*.rows.parquet``  the rows, oldest first
``*.names.parquet`` each name once, with its counts; and its times, if they are few: a search reads
                    this first, and then few parts of the rows, or none
``*.sums.parquet``  counts by outcome, reason and transport, per five minutes
``*.tops.parquet``  counts by client, policy, list, upstream and type
==================  ================================================================================

The file name holds the time span and the number of rows, so that no file has to be opened to select
segments.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from keyhole.querylog.history.schema import (
    COLUMNS,
    ENGINE,
    INTAKE,
    OPTIONAL,
    QUERIES,
    WITHHELD_QUERIES,
)
from keyhole.system import durable

ROW_SCHEMA = "rows.schema.parquet"
PARTS = ("rows", "names", "sums", "tops")
BUCKET_SECONDS = 300
_BUCKET = BUCKET_SECONDS * 1_000_000
_NAME = re.compile(r"([0-9]{1,18})-([0-9]{1,18})-([0-9]{1,12})-([a-z0-9.]{1,80})")
_DAY = re.compile(r"day=[0-9]{4}-[0-9]{2}-[0-9]{2}")
SELDOM = 32
"""A name with at most so many rows in a segment has its times in the names file."""
# Small row groups: few of them hold a given time.
_COPY = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 40960)"
# Smaller still: a search reads a few names in many files.
_COPY_NAMES = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 4096)"
_DIMENSIONS = {
    "client": "client",
    "identity": "identity",
    "token": "token",
    "policy": "policy",
    "list": '"list"',
    "upstream": "upstream",
    "type": '"type"',
}
PART_COLUMNS = {
    "rows": {
        name: "BIGINT" if name == "time" else kind
        for name, kind in COLUMNS.items()
        if name not in OPTIONAL
    },
    "names": {"name": "VARCHAR", "total": "BIGINT", "withheld": "BIGINT"},
    "sums": {
        "bucket": "BIGINT",
        "outcome": "VARCHAR",
        "reason": "VARCHAR",
        "transport": "VARCHAR",
        "total": "BIGINT",
        "duration_us": "BIGINT",
        "waited": "BIGINT",
    },
    "tops": {
        "dimension": "VARCHAR",
        "value": "VARCHAR",
        "total": "BIGINT",
        "withheld": "BIGINT",
    },
}
"""Columns that every file of a part has, with their types."""
DIMENSIONS = tuple(_DIMENSIONS)
CLIENT_COLUMNS = ("client", "identity", "token")
"""Columns and dimensions of the client; NULL for a policy with ``log: anonymous``."""


@dataclass(frozen=True, order=True)
class Segment:
    """One segment; ``begin`` and ``end`` are the times of its first and last row, in microseconds
    of Unix time; ``origin`` names the part of the engine's log that it holds."""

    begin: int
    end: int
    rows: int
    origin: str
    folder: Path

    @property
    def stem(self) -> str:
        """The unique begin of its file names. The origin alone is not unique: log lines around
        midnight go into two segments."""
        return f"{self.begin}-{self.end}-{self.rows}-{self.origin}"

    def path(self, part: str) -> Path:
        """The path of one of its files."""
        return self.folder / f"{self.stem}.{part}.parquet"

    @property
    def octets(self) -> int:
        """The size of its files on disk, without missing ones."""
        return sum(_size(self.path(part)) for part in PARTS)

    def drop(self, parts: tuple[str, ...] = PARTS) -> None:
        """Removes its files in the order of ``parts``: without the first the segment is not valid,
        and without the others it could not be read."""
        for part in parts:
            self.path(part).unlink(missing_ok=True)


def segments(root: Path) -> list[Segment]:
    """All complete segments below a folder, oldest first."""
    return sorted(_found(root))


def _found(root: Path) -> Iterator[Segment]:
    for day in root.glob("day=*"):
        if not _DAY.fullmatch(day.name):
            continue
        yield from named_segments(day, "rows")


def named_segments(folder: Path, part: str) -> Iterator[Segment]:
    """The segments in a folder that have this part."""
    for file in folder.glob(f"*.{part}.parquet"):
        if named := _NAME.fullmatch(file.name.removesuffix(f".{part}.parquet")):
            begin, end, rows, origin = named.groups()
            yield Segment(int(begin), int(end), int(rows), origin, folder)


def write_row_schema(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Writes a file with all columns and no row, for files that are older than a column."""
    kinds = {**COLUMNS, "time": "BIGINT", ENGINE: "VARCHAR", INTAKE: "BIGINT"}
    columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in kinds.items())
    with suppress(OSError, duckdb.Error), durable.draft_of(root / ROW_SCHEMA) as draft:
        quoted = str(draft).replace("'", "''")
        connection.execute(f"COPY (SELECT {columns} WHERE false) TO '{quoted}' (FORMAT parquet)")


def row_files(batch: Sequence["Segment"]) -> str:
    """The rows of segments as an argument of ``read_parquet``, all with the columns of today."""
    schema = batch[0].folder.parent / ROW_SCHEMA
    files = [one.path("rows") for one in batch] + ([schema] if schema.exists() else [])
    found = ", ".join("'" + str(one).replace("'", "''") + "'" for one in files)
    # ``day=...`` in the folder's name is not a column.
    return f"[{found}], hive_partitioning = false, union_by_name = true"


def write_segment(
    connection: duckdb.DuckDBPyConnection, table: str, day: Path, origin: str
) -> Segment | None:
    """Writes the rows of a table as a segment of one day; none where it has no rows.

    The write is atomic and durable. Raises ``OSError`` and ``duckdb.Error``.
    """
    found = connection.execute(f'SELECT min("time"), max("time"), count(*) FROM {table}')
    begin, end, rows = found.fetchone() or (None, None, 0)
    if not rows or begin is None or end is None:
        return None
    day.mkdir(parents=True, exist_ok=True)
    segment = Segment(begin, end, rows, origin, day)
    for part, select in _selects(table).items():
        draft = _draft(segment, part)
        quoted = str(draft).replace("'", "''")
        form = _COPY_NAMES if part == "names" else _COPY
        connection.execute(f"COPY ({select}) TO '{quoted}' {form}")
    # The rows come last: they make the segment valid.
    for part in reversed(PARTS):
        durable.rename(_draft(segment, part), segment.path(part))
    return segment


def rewrite_part(
    connection: duckdb.DuckDBPyConnection, segment: Segment, part: str, select: str
) -> None:
    """Replaces one file of a segment atomically and durably. Raises ``OSError`` and
    ``duckdb.Error``."""
    with durable.draft_of(segment.path(part)) as draft:
        quoted = str(draft).replace("'", "''")
        connection.execute(f"COPY ({select}) TO '{quoted}' {_COPY}")


def rebuild_part(connection: duckdb.DuckDBPyConnection, segment: Segment, part: str) -> None:
    """Makes names or counts of a segment again, from its rows. Raises ``OSError`` and
    ``duckdb.Error``."""
    source = f"read_parquet({row_files([segment])})"
    rewrite_part(connection, segment, part, _selects(source)[part])


def write_empty_part(connection: duckdb.DuckDBPyConnection, segment: Segment, part: str) -> None:
    """Writes names or counts without content. Raises ``OSError`` and ``duckdb.Error``."""
    kinds = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in PART_COLUMNS[part].items())
    rewrite_part(connection, segment, part, f"SELECT {kinds} WHERE false")


def _draft(segment: Segment, part: str) -> Path:
    return segment.path(part).with_name(f".{segment.origin}.{part}.new")


def _selects(table: str) -> dict[str, str]:
    withheld = WITHHELD_QUERIES
    tops = " UNION ALL ".join(
        f"SELECT '{word}' AS dimension, {column} AS value, {QUERIES} AS total, "
        f"{withheld} AS withheld FROM {table} WHERE {column} IS NOT NULL GROUP BY {column}"
        for word, column in _DIMENSIONS.items()
    )
    return {
        "rows": f'SELECT * FROM {table} ORDER BY "time"',
        "names": f"SELECT name, {QUERIES} AS total, {withheld} AS withheld, "
        f'CASE WHEN count(*) <= {SELDOM} THEN list("time") END AS times FROM {table} '
        "WHERE name IS NOT NULL GROUP BY name ORDER BY name",
        "sums": f'SELECT "time" // {_BUCKET} * {_BUCKET} AS bucket, outcome, reason, transport, '
        f"{QUERIES} AS total, sum(duration_us)::BIGINT AS duration_us, "
        f"count(*) FILTER (duration_us > 0) AS waited FROM {table} GROUP BY ALL ORDER BY ALL",
        "tops": f"SELECT * FROM ({tops}) ORDER BY ALL",
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
