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
from keyhole.system.regular_file import open_regular

SECONDS = 5.0
"""How long the pages of a large database are read; then what was seen counts."""
_STEPS = 10_000
_ENDS = ("", "-wal")


class Form(Enum):
    """The schema of a database, compared with the one of this Keyhole."""

    OLDER, SAME, NEWER = "older", "same", "newer"


def inspect_file(file: Path) -> Form:
    """Reads an SQLite database that nobody uses, and checks its pages. Raises `StoreError` for one
    that is damaged or cannot be read."""
    try:
        with _readable(file) as path, closing(_open(path)) as connection:
            _check(file, connection)
            return _form(connection)
    except (sqlite3.Error, OSError) as error:
        why = getattr(error, "strerror", None) or error
        raise StoreError(f"the database {file} cannot be used: {why}") from error


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
            pass  # refuses what is no regular file
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
