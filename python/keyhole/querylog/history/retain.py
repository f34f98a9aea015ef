"""How long and how much: the oldest segments make room for the newest."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from keyhole.querylog.history.rollups import ROLLUP_SHARE, drop_old_rollups, save_rollup
from keyhole.querylog.history.segment import Segment, segments

FREE_OCTETS = 256 * 2**20
"""So much of the disk is left to others, whatever the settings allow."""


@dataclass(frozen=True)
class Retention:
    """``age`` of rows in seconds, ``octets`` on the disk, for how many seconds their counts are
    kept, at least as long as they are, and after how many nobody is named; none for never."""

    age: float
    octets: int
    statistics: float = 0.0
    anonymize_after: float | None = None


def retain(
    connection: duckdb.DuckDBPyConnection, root: Path, retention: Retention, now: float
) -> int:
    """Removes what is too old and too much; gives how many rows are gone.

    Raises ``OSError`` and ``duckdb.Error``; what was there before is whole then.
    """
    gone = 0
    for one in _leaving(root, retention, now):
        if one.end >= (now - retention.statistics) * 1_000_000 and free(root) >= FREE_OCTETS:
            save_rollup(connection, root, one)
        one.drop()
        gone += one.rows
    oldest = int((now - max(retention.statistics, retention.age)) * 1_000_000)
    drop_old_rollups(root, oldest, retention.octets // ROLLUP_SHARE)
    for day in root.glob("day=*"):
        if not any(day.iterdir()):
            day.rmdir()
    return gone


def _leaving(root: Path, retention: Retention, now: float) -> Iterator[Segment]:
    kept = []
    for one in segments(root):
        if one.end < (now - retention.age) * 1_000_000:
            yield one
        else:
            kept.append(one)
    octets = sum(one.octets for one in kept)
    for one in kept[:-1]:
        if octets <= retention.octets and free(root) >= FREE_OCTETS:
            break
        octets -= one.octets
        yield one


def free(root: Path) -> int:
    """How much room is left on the disk, in octets."""
    return shutil.disk_usage(root).free
