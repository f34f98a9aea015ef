"""Connections to DuckDB: in memory, within limits, and with no way out of one folder."""

from pathlib import Path

import duckdb

MEMORY = "384MiB"
"""What all queries of one connection may use together; beyond that they spill into the folder."""


def connect(folder: Path, *, threads: int = 2) -> duckdb.DuckDBPyConnection:
    """A connection that reads and writes below ``folder`` and nowhere else."""
    scratch = folder / ".scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": MEMORY,
            "temp_directory": str(scratch),
            "max_temp_directory_size": "1GiB",
            # Nothing is fetched from anywhere, whatever a query names.
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
