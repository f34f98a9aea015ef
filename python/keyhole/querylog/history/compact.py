"""Joins small segments of a day into large ones."""

import json
import secrets
from collections.abc import Iterable
from pathlib import Path

import duckdb

from keyhole.querylog.history.segment import Segment, row_files, segments, write_segment
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

MAX_ROWS = 4_000_000
"""Rows in one segment; larger ones would take long to write and to delete."""
NEW_ROWS = 50_000
"""Rows below which a segment is joined soon: each search makes a new one, and opens all of them."""
MAX_SMALL = 16
"""Small segments per day that are not joined."""


def compact(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    found: Iterable[Segment],
    below: int = MAX_ROWS,
) -> int:
    """Joins segments with fewer rows than ``below`` of days with too many of them; returns by how
    many their number fell.

    Raises ``OSError`` and ``duckdb.Error``; the previous files are complete then.
    """
    gone = 0
    by_day: dict[Path, list[Segment]] = {}
    for one in found:
        if one.rows < below:
            by_day.setdefault(one.folder, []).append(one)
    for day, small in by_day.items():
        for group in _groups(small) if len(small) > MAX_SMALL else []:
            _join(connection, root, day, group)
            gone += len(group) - 1
    return gone


def _groups(small: list[Segment]) -> list[list[Segment]]:
    groups: list[list[Segment]] = [[]]
    for one in small:
        if sum(other.rows for other in groups[-1]) + one.rows > MAX_ROWS:
            groups.append([])
        groups[-1].append(one)
    return [group for group in groups if len(group) > 1]


def _join(
    connection: duckdb.DuckDBPyConnection, root: Path, day: Path, group: list[Segment]
) -> None:
    source = f"read_parquet({row_files(group)})"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW joined AS SELECT * FROM {source}")
    origin = f"joined{secrets.token_hex(6)}"
    # After a kill in between, this note says which segments the new one replaces.
    note = root / "joining.json"
    durable.write_json(
        note, {"into": origin, "from": [str(one.path("rows").relative_to(root)) for one in group]}
    )
    write_segment(connection, "joined", day, origin)
    for one in group:
        one.drop()
    note.unlink()


def finish_joining(root: Path) -> None:
    """Completes a join that a kill interrupted: the joined segment is valid if it exists."""
    note = root / "joining.json"
    try:
        found = json.loads(read_whole(note))
        found = {"into": str(found["into"]), "from": list(found["from"])}
    except (OSError, ValueError, KeyError, TypeError):
        note.unlink(missing_ok=True)
        return
    everything = segments(root)
    if any(one.origin == found["into"] for one in everything):
        for one in everything:
            if str(one.path("rows").relative_to(root)) in found["from"]:
                one.drop()
    note.unlink(missing_ok=True)
