"""Gives what was restored its names: all of them, or none.

Where the system can exchange two names, there is a whole folder at the place at every time. Else
there is none for a moment; a process killed in it leaves what was there under its other name, and
the next start says so instead of beginning anew.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from keyhole.control.backup.error import BackupError
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.system import durable
from keyhole.system.exchange import exchange

BEFORE = "before-restore"
Mark = tuple[int, int]
"""Device and inode: what it is, whatever its name."""


class Placing:
    """Names that are being given. ``replaced`` are the places where what was there is kept."""

    def __init__(self, now: datetime, *, may_replace: bool) -> None:
        self._now = now
        self._may_replace = may_replace
        self._steps: list[tuple[Path, Path, Mark, bool]] = []
        self.replaced: list[Path] = []

    def put(self, pairs: Iterable[tuple[Path, Path]]) -> None:
        """Puts each first path in the place of the second one. Raises `BackupError` and
        ``OSError``; then those before it are undone."""
        try:
            for source, place in pairs:
                self._put(source, place)
        except BaseException:
            self._undo()
            raise

    def _put(self, source: Path, place: Path) -> None:
        if _is_free(place):
            self._move(source, place)
            return
        if not self._may_replace:
            raise BackupError(f"{place} exists; give --replace, which keeps it beside")
        old = free_name(place, self._now)
        # Beside its place first: what was there then has its name of afterwards at once.
        self._move(source, old)
        if not self._exchange(old, place):
            self._move(old, source)
            self._move(place, old)
            self._move(source, place)
        self.replaced.append(old)

    def _move(self, source: Path, place: Path) -> None:
        # Noted before: a rename whose folder cannot be synced has happened all the same.
        self._steps.append((source, place, _mark(source), False))
        durable.rename(source, place)

    def _exchange(self, source: Path, place: Path) -> bool:
        self._steps.append((source, place, _mark(source), True))
        return exchange(source, place)

    def _undo(self) -> None:
        for source, place, mark, is_exchange in reversed(self._steps):
            with suppress(OSError):
                if _mark(place) != mark:
                    continue  # this step did not happen
                if is_exchange:
                    exchange(place, source)
                else:
                    durable.rename(place, source)


def _mark(path: Path) -> Mark:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _is_free(place: Path) -> bool:
    if place.is_symlink():
        return False
    return not place.exists() or (place.is_dir() and not any(place.iterdir()))


def free_name(place: Path, now: datetime) -> Path:
    """A name beside the place for what is there."""
    name = f"{place.name}.{BEFORE}-{now:%Y%m%dT%H%M%SZ}"
    found, number = place.with_name(name), 1
    while found.exists():
        number += 1
        found = place.with_name(f"{name}-{number}")
    return found


def check_not_interrupted(data: DataFolder) -> None:
    """Raises ``ControlError`` where a restore was killed between two names: a start would begin a
    new Keyhole, with another authority."""
    folder = data.path.absolute()
    with suppress(OSError):
        if not _is_free(folder):
            return
        pattern = re.compile(rf"{re.escape(folder.name)}\.{BEFORE}-\d{{8}}T\d{{6}}Z(-\d+)?")
        found = sorted(one for one in folder.parent.iterdir() if pattern.fullmatch(one.name))
        if found:
            raise ControlError(
                f"there is nothing in {data.path}, and {found[-1]} is what a restore found there: "
                "restore once more (keyhole restore), or give that folder its name back; where a "
                "new Keyhole is wanted, move it elsewhere"
            )
