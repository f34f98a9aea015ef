"""Connections to DuckDB: in memory, with limits, and confined to one folder."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

MEMORY = "384MiB"
"""Memory for all queries of a connection; more is spilled to files in the folder."""


def connect(folder: Path, *, threads: int = 2) -> duckdb.DuckDBPyConnection:
    """A connection that can read and write only below ``folder``."""
    scratch = folder / ".scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": MEMORY,
            "temp_directory": str(scratch),
            "max_temp_directory_size": "1GiB",
            # No query can make DuckDB download an extension.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    quoted = str(folder).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{quoted}/']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


class Connection:
    """A connection that is made when it is used, and given up while nobody does: what DuckDB holds
    for one takes megabytes, and a new one takes 15 ms. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: duckdb.DuckDBPyConnection | None = None
        self._users = 0
        self._is_closed = False

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for the block. Raises ``OSError`` and ``duckdb.Error``."""
        with self._lock:
            if self._is_closed:
                raise duckdb.ConnectionException("the history is closed")
            if self._open is None:
                self._open = connect(self._folder)
            cursor = self._open.cursor()
            self._users += 1
        try:
            yield cursor
        finally:
            with self._lock:
                cursor.close()
                self._leave()

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody has used it since `rest`."""
        return self._open is None

    def rest(self) -> None:
        """Gives up what is held, unless somebody uses it now."""
        with self._lock:
            self._give_up()

    def close(self) -> None:
        """Gives no cursor any more. Whoever has one ends in peace, and the last of them ends the
        connection: DuckDB refuses to close it under a statement, and to interrupt one that reads
        a file in search of damage would have that file taken for damaged."""
        with self._lock:
            self._is_closed = True
            self._give_up()

    def _leave(self) -> None:
        self._users -= 1
        if self._is_closed:
            self._give_up()

    def _give_up(self) -> None:
        if self._open is not None and not self._users:
            self._open.close()
            self._open = None
