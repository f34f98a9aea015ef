"""How long and how much: the oldest segments make room for the newest."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from keyhole.querylog.history.segment import segments

FREE_OCTETS = 256 * 2**20
"""So much of the disk is left to others, whatever the settings allow."""


@dataclass(frozen=True)
class Retention:
    """``age`` in seconds, ``octets`` on the disk."""

    age: float
    octets: int


def retain(root: Path, retention: Retention, now: float) -> int:
    """Removes what is too old and too much; gives how many rows are gone."""
    gone = 0
    kept = []
    for one in segments(root):
        if one.end < (now - retention.age) * 1_000_000:
            one.drop()
            gone += one.rows
        else:
            kept.append(one)
    octets = sum(one.octets for one in kept)
    for one in kept[:-1]:
        if octets <= retention.octets and free(root) >= FREE_OCTETS:
            break
        octets -= one.octets
        one.drop()
        gone += one.rows
    for day in root.glob("day=*"):
        if not any(day.iterdir()):
            day.rmdir()
    return gone


def free(root: Path) -> int:
    """How much room is left on the disk, in octets."""
    return shutil.disk_usage(root).free
