"""Reads the counts that an engine keeps beside its query log; ``keyhole.engine.query_counts`` says
what a line means."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from keyhole.system.regular_file import open_regular

FILES = ("counts.1.jsonl", "counts.jsonl")
MAX_OCTETS = 16 * 2**20
"""Octets that are read of a file: a whole one is far smaller."""
MAX_KEYS = 1_000
"""Different keys of one line: transports times reasons are fewer."""
_MAX_WORD = 64

Key = tuple[str, str, str]
"""Transport, outcome and reason."""


@dataclass(frozen=True)
class Counted:
    """Queries that ended and, among them, those that their policy keeps out of the log."""

    total: int = 0
    unlogged: int = 0


@dataclass(frozen=True)
class CountRecord:
    """What an engine has counted in all until a time."""

    log: str
    """Which log: counting begins anew with each."""
    since: int
    """When it began, in seconds of Unix time."""
    time: int
    """Seconds of Unix time."""
    counts: dict[Key, Counted]

    @property
    def total(self) -> int:
        """All queries."""
        return sum(one.total for one in self.counts.values())


def read_count_files(folder: Path) -> bytes:
    """The lines of both files, oldest first; empty where there are none."""
    found = b""
    for name in FILES:
        try:
            with open_regular(folder / name) as file:
                found += file.read(MAX_OCTETS)
        except OSError:
            continue
    return found


class CountFiles:
    """Reads the files of one folder again and again, and of them only what is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[int, int, int] | None = None
        """Inode, size and modification time of the newer file, as it was read last."""
        self._last_line = 0

    def new(self) -> bytes:
        """The lines that were not read before. The last one is read again once it has changed."""
        path = self._folder / FILES[-1]
        try:
            with open_regular(path) as file:
                status = os.fstat(file.fileno())
                seen = (status.st_ino, status.st_size, status.st_mtime_ns)
                if seen == self._seen:
                    return b""
                is_same = self._seen is not None and self._seen[0] == seen[0]
                if not is_same or seen[1] < self._last_line:
                    lines = read_count_files(self._folder)
                    self._last_line = 0
                else:
                    file.seek(self._last_line)
                    lines = file.read(MAX_OCTETS)
        except OSError:
            return b""
        self._seen = seen
        whole = lines.rfind(b"\n", 0, -1) + 1
        self._last_line = seen[1] - (len(lines) - whole)
        return lines

    def forget(self) -> None:
        """Has everything read again."""
        self._seen = None


def read_records(lines: bytes) -> list[CountRecord]:
    """The records of these lines; lines that cannot be read are left out."""
    return [record for line in lines.splitlines() if (record := _read(line)) is not None]


def _read(line: bytes) -> CountRecord | None:
    try:
        found = json.loads(line)
        times = _number(found["since"]), _number(found["time"])
        return CountRecord(_word(found["log"]), *times, dict(_rows(found)))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _rows(found: dict[str, list[Iterable[object]]]) -> Iterator[tuple[Key, Counted]]:
    rows = found["queries"]
    if len(rows) > MAX_KEYS:
        raise ValueError
    for transport, outcome, reason, total, unlogged in rows:
        key = (_word(transport), _word(outcome), _word(reason))
        counted = Counted(_number(total), _number(unlogged))
        if counted.unlogged > counted.total:
            raise ValueError
        yield key, counted


def _word(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_WORD or " " in value:
        raise TypeError
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise TypeError
    return value
