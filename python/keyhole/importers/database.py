"""Reads tables of an untrusted SQLite file.

It opens a copy, read-only and immutable, and reads only plain tables of a fixed list. No function
runs, nothing can be attached, and a query that takes too long is interrupted.
"""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keyhole.importers.archive import check_size
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import (
    MAX_DATABASE,
    MAX_QUERY_SECONDS,
    MAX_ROWS,
    MAX_TABLE,
    MAX_TEXT,
)
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place

Row = dict[str, Any]

HEADER = b"SQLite format 3\0"
_STEPS_BETWEEN_CHECKS = 10_000
_LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_TEXT,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 4096,
    sqlite3.SQLITE_LIMIT_COLUMN: 64,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 64,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 8,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 8,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_PRAGMAS = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA query_only = ON",
    "PRAGMA cell_size_check = ON",
    "PRAGMA mmap_size = 0",
)


class Database:
    """Reads plain tables, one query each."""

    def __init__(self, connection: sqlite3.Connection, name: str, readable: frozenset[str]) -> None:
        self.name = name
        self._readable = readable
        self._connection = connection
        self._deadline = 0.0
        connection.set_progress_handler(self._is_late, _STEPS_BETWEEN_CHECKS)
        self.all_tables, self.tables = self._tables()

    def rows(self, table: str, report: Report) -> list[Row]:
        """All rows of a table; empty where there is no such plain table.

        Where the table is damaged or too large, what stands before is read, which is reported.
        """
        if table not in self.tables:
            return []
        size = 0
        rows: list[Row] = []
        every = f'SELECT * FROM "{table}" LIMIT {MAX_ROWS + 1}'  # noqa: S608  (from a fixed list)
        try:
            columns = list(self._query(f'PRAGMA table_xinfo("{table}")'))
            if any(column["hidden"] for column in columns):
                raise ImporterError("it has computed columns; no export does")
            for row in self._query(every):
                size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
                if size > MAX_TABLE or len(rows) >= MAX_ROWS:
                    raise ImporterError("it is larger than in any export")
                for value in row.values():
                    if isinstance(value, str) and value:
                        report.note(value, Place(self.name, f"{table}[{len(rows)}]"))
                rows.append(row)
        except ImporterError as error:
            why = f"only its first {len(rows)} rows are read: {error}"
            report.left(Kind.SETTING, f"table {table}", why, Place(self.name))
        return rows

    def leave_others(self, report: Report, reasons: Mapping[str, str]) -> None:
        """Reports the tables that are not read."""
        for table in sorted(self.all_tables - self._readable):
            why = reasons.get(table, "only Pi-hole's own tables are read")
            report.left(Kind.SETTING, f"table {table[:100]}", why, Place(self.name))

    def _tables(self) -> tuple[frozenset[str], frozenset[str]]:
        """All tables by name, and those without code: views and virtual tables run code of their
        author, and neither has a root page."""
        found = [
            (str(row["name"]), row["rootpage"])
            for row in self._query("SELECT name, type, rootpage FROM sqlite_master LIMIT 1000")
            if row["type"] == "table" and not str(row["name"]).startswith("sqlite_")
        ]
        plain = (name for name, page in found if isinstance(page, int) and page > 0)
        return frozenset(name for name, _ in found), frozenset(plain)

    def _query(self, sql: str) -> Iterator[Row]:
        self._deadline = time.monotonic() + MAX_QUERY_SECONDS
        try:
            cursor = self._connection.execute(sql)
            columns = [str(column[0]) for column in cursor.description]
            for values in cursor:
                yield dict(zip(columns, values, strict=True))
        except sqlite3.Error as error:
            raise ImporterError(f"the database cannot be read: {error}") from error

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline


@contextmanager
def open_database(source: Path | bytes, name: str, *tables: str) -> Iterator[Database]:
    """Opens a copy of the database; only these tables can be read."""
    with tempfile.TemporaryDirectory(prefix="keyhole-import-") as folder:
        copy = Path(folder) / "copy.db"
        if isinstance(source, bytes):
            copy.write_bytes(source)
        else:
            check_size(source, MAX_DATABASE)
            shutil.copyfile(source, copy)
        with copy.open("rb") as file:
            if file.read(len(HEADER)) != HEADER:
                raise ImporterError(f"{name} is not an SQLite database")
        connection = sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)
        connection.text_factory = lambda octets: octets.decode("utf-8", "replace")
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            for limit, value in _LIMITS.items():
                connection.setlimit(limit, value)
            connection.set_authorizer(_authorizer(frozenset(tables)))
            yield Database(connection, name, frozenset(tables))
        except sqlite3.Error as error:
            raise ImporterError(f"{name} cannot be read: {error}") from error
        finally:
            connection.close()


def _authorizer(tables: frozenset[str]) -> Any:
    """Allows to read columns of these tables and of the schema, and denies everything else."""
    readable = tables | {"sqlite_master", "sqlite_schema"}

    def decide(action: int, first: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA and first == "table_xinfo":
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and first in readable:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return decide
