"""Retention by age and size: the oldest segments are removed first."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from keyhole.querylog.history.removed import note_removed
from keyhole.querylog.history.rollups import ROLLUP_SHARE, drop_old_rollups, save_rollup
from keyhole.querylog.history.segment import Segment, segments

FREE_OCTETS = 256 * 2**20
"""Disk space that is left free, whatever the settings allow."""


@dataclass(frozen=True)
class Retention:
    """``age`` of rows in seconds; ``octets`` on disk; ``statistics``, the age of counts in seconds,
    at least that of rows; ``anonymize_after`` seconds clients are removed, none for never."""

    age: float
    octets: int
    statistics: float = 0.0
    anonymize_after: float | None = None


def retain(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    retention: Retention,
    now: float,
    *,
    is_noted: bool = False,
) -> int:
    """Removes segments beyond the limits, each noted before where ``is_noted``; returns the number
    of removed rows.

    Raises ``OSError`` and ``duckdb.Error``; the remaining files are complete then.
    """
    gone = 0
    for one in _leaving(root, retention, now):
        if is_noted:
            note_removed(root, one)
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
    """Free space on the disk, in octets."""
    return shutil.disk_usage(root).free
