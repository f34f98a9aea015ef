"""Copies an SQLite database while others write to it, by SQLite's own backup."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from keyhole.store.error import StoreError

_BUSY_SECONDS = 10.0


def copy_sqlite(source: Path, target: Path) -> None:
    """Writes the database as it is at one moment into a new file with mode 0600, without a journal
    beside it. Raises `StoreError`; it never makes a missing database."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror}") from error
    try:
        # A database on a read-only file system has no journal that could be made.
        _copy(source, target, "rw" if os.access(source, os.W_OK) else "ro")
    except sqlite3.Error as error:
        raise StoreError(f"the database {source} cannot be copied: {error}") from error


def _copy(source: Path, target: Path, mode: str) -> None:
    url = f"{source.absolute().as_uri()}?mode={mode}"
    with (
        closing(sqlite3.connect(url, uri=True, timeout=_BUSY_SECONDS)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written)
        found = [row[0] for row in written.execute("PRAGMA quick_check(1)")]
        if found != ["ok"]:
            raise sqlite3.DatabaseError(f"it is damaged ({found[0]})")
        # One file, which needs nothing beside it; the next start begins a journal again.
        written.execute("PRAGMA journal_mode = DELETE")
