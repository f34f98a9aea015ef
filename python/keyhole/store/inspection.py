"""Looks at a database file without changing anything: no upgrade, no journal, no file beside it."""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path
from urllib.parse import quote

from keyhole.store.error import StoreError
from keyhole.store.upgrade import NEWEST
from keyhole.system.regular_file import check_regular, open_regular

SECONDS = 5.0
"""How long the pages of a large database are read; then what was seen counts."""
_STEPS = 10_000
_ENDS = ("", "-wal")
_NOT_ITS_FAULT = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
"""Errors of SQLite that say something of the machine, and nothing of the database (its lower octet:
https://sqlite.org/rescode.html)."""


class UninspectedError(StoreError):
    """The database could not be looked at. Nothing is known to be wrong with it."""


class Form(Enum):
    """The schema of a database, compared with the one of this Keyhole."""

    OLDER, SAME, NEWER = "older", "same", "newer"


def inspect_file(file: Path) -> Form:
    """Reads an SQLite database that nobody uses, and checks its pages. Raises `UninspectedError`
    where this machine does not let it, such as a full disk, and any other `StoreError` for a file
    that is damaged or no database."""
    try:
        check_regular(file)
    except PermissionError as error:
        raise _uninspected(file, error) from error
    except OSError as error:
        raise StoreError(f"the database {file} cannot be used: {error.strerror}") from error
    try:
        with _readable(file) as path, closing(_open(path)) as connection:
            _check(file, connection)
            return _form(connection)
    except OSError as error:
        raise _uninspected(file, error) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_ITS_FAULT:
            raise _uninspected(file, error) from error
        raise StoreError(f"the database {file} cannot be used: {error}") from error


def _uninspected(file: Path, error: Exception) -> UninspectedError:
    why = getattr(error, "strerror", None) or error
    return UninspectedError(f"the database {file} cannot be looked at: {why}")


def _form(connection: sqlite3.Connection) -> Form:
    tables = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
    if connection.execute(tables).fetchone() is None:
        return Form.OLDER
    found = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    if found == {NEWEST}:
        return Form.SAME
    # Imported here: the library takes longer than all the rest.
    from keyhole.store.migrate import known_revisions

    return Form.OLDER if found <= known_revisions() else Form.NEWER


def _check(file: Path, connection: sqlite3.Connection) -> None:
    last = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > last, _STEPS)
    try:
        found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
    except sqlite3.OperationalError:
        if time.monotonic() > last:
            return
        raise
    finally:
        connection.set_progress_handler(None, 0)
    if found != ["ok"]:
        raise StoreError(f"the database {file} is damaged: {' '.join(' '.join(found).split())}")


def _open(path: Path) -> sqlite3.Connection:
    # Immutable: SQLite would else make files beside it, which would belong to the caller.
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)


@contextmanager
def _readable(file: Path) -> Iterator[Path]:
    """The file itself; with changes that a killed Keyhole left beside it, a copy that has them."""
    beside = file.with_name(f"{file.name}-wal")
    if not beside.exists() or not beside.stat().st_size:
        with open_regular(file):
            pass  # who may not read it is told so: SQLite has other words for that
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="keyhole-doctor-") as folder:
        copy = Path(folder) / file.name
        for end in _ENDS:
            source = file.with_name(file.name + end)
            with open_regular(source) as read, copy.with_name(copy.name + end).open("wb") as write:
                shutil.copyfileobj(read, write)
        # Ours alone: this writes what lies beside it into the file.
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield copy
