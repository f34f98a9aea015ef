"""Connections to DuckDB: in memory, with limits, and confined to one folder."""

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
