"""How many queries have ended, kept on the disk beside the query log.

The query log is bounded: with a small ``log.keep`` its older half may be gone before control has
read it. Counts are small, so that none is ever given up. ``counts.jsonl`` holds one line for each
five minutes with queries, in the order of time; the last line is written again while its five
minutes last::

    {"log": ID, "since": SECONDS, "time": SECONDS,
     "queries": [[TRANSPORT, OUTCOME, REASON, ALL, UNLOGGED], ...]}

All numbers count since the log with this ``ID`` began, over every process that wrote it.
``UNLOGGED`` are the queries that their policy keeps out of the log.

An engine under ``keyhole up`` counts in memory that outlives it. ``"memory": {"id": ID,
"queries": [...]}`` says what of the numbers is from that memory: the next process finds there what
a killed one could not write any more.
"""

import errno
import json
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from keyhole.system import durable
from keyhole.system.regular_file import read_whole

FILES = ("counts.1.jsonl", "counts.jsonl")
"""The files in the folder of the query log, oldest first."""
INTERVAL_SECONDS = 300
MAX_OCTETS = 4 * 2**20
"""Octets of one file: more than two weeks of intervals with queries."""
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_MODE = 0o600

Key = tuple[str, str, str]
"""Transport, outcome and reason."""
Counts = dict[Key, tuple[int, int]]
"""All queries, and those among them that are not logged."""


@dataclass(frozen=True)
class _Line:
    """The last line of the processes before."""

    log: str
    since: int
    counts: Counts
    memory: str | None = None
    in_memory: Counts = field(default_factory=dict)

    def without(self, memory: str | None) -> Counts:
        """Its counts without those that are in this memory still."""
        if memory is None or memory != self.memory:
            return self.counts
        taken = {key: (-total, -quiet) for key, (total, quiet) in self.in_memory.items()}
        return _sum(self.counts, taken)


class QueryCounts:
    """Writes the counts of one engine process, on top of those of the processes before it."""

    def __init__(self, folder: Path, outcomes: Mapping[str, str]) -> None:
        """``outcomes`` by reason."""
        self._older, self._path = (folder / name for name in FILES)
        self._outcomes = outcomes
        last = _read_last(self._path) or _read_last(self._older)
        self._last_line = last or _Line(secrets.token_hex(8), int(time.time()), {})
        self._before: Counts | None = None
        """Without what the memory holds; none before its first look."""
        self._memory: str | None = None
        self._counts: Counts = {}
        self._written: Counts = {}
        self._interval = -1
        self._last: tuple[int, int, int] | None = None
        """The file (device and inode) and the place in it of the last line of this process."""

    def count(self, stats: Mapping[str, Any]) -> None:
        """Takes the counters of the core, which began with this process or with its memory."""
        counts = self._read(stats)
        earlier = stats.get("earlier")
        if self._before is None:
            self._memory = earlier["id"] if earlier else None
            self._before = self._last_line.without(self._memory)
        self._counts = _sum(counts, self._read(earlier)) if earlier else counts

    def _read(self, stats: Mapping[str, Any]) -> Counts:
        return {
            (transport, self._outcomes.get(reason, "failed"), reason): (
                count,
                stats.get("unlogged", {}).get(transport, {}).get(reason, 0),
            )
            for transport, reasons in stats["queries"].items()
            for reason, count in reasons.items()
        }

    def write(self) -> None:
        """Writes the counts if they have changed. Raises ``OSError``; the next call writes all."""
        if self._counts == self._written:
            return
        now = time.time()
        interval = int(now // INTERVAL_SECONDS)
        descriptor = os.open(self._path, _FLAGS, _MODE)
        try:
            self._put(descriptor, self._line(now), is_same=interval == self._interval)
        finally:
            os.close(descriptor)
        self._interval, self._written = interval, self._counts
        if self._last is not None and self._last[2] > MAX_OCTETS:
            durable.rename(self._path, self._older)

    def _put(self, descriptor: int, line: bytes, *, is_same: bool) -> None:
        status = os.fstat(descriptor)
        at = status.st_size
        if is_same and self._last and self._last[:2] == (status.st_dev, status.st_ino):
            at = min(at, self._last[2])
        elif at and os.pread(descriptor, 1, at - 1) != b"\n":
            line = b"\n" + line  # a line that a crash has cut off
        # Longer lines than before only: numbers grow, so that nothing of the old line remains.
        if os.pwrite(descriptor, line, at) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(descriptor, at + len(line))
        self._last = (status.st_dev, status.st_ino, at)

    def _line(self, now: float) -> bytes:
        last = self._last_line
        record = {
            "log": last.log,
            "since": last.since,
            "time": int(now),
            "queries": _rows(_sum(self._before or {}, self._counts)),
        }
        if self._memory is not None:
            record["memory"] = {"id": self._memory, "queries": _rows(self._counts)}
        return json.dumps(record).encode() + b"\n"


def _sum(one: Counts, other: Counts) -> Counts:
    none = (0, 0)
    pairs = {key: (one.get(key, none), other.get(key, none)) for key in {*one, *other}}
    return {key: (a[0] + b[0], a[1] + b[1]) for key, (a, b) in pairs.items()}


def _rows(counts: Counts) -> list[list[str | int]]:
    return [[*key, *counts[key]] for key in sorted(counts)]


def _read_last(path: Path) -> _Line | None:
    """The last line of a file that can be read; none where there is none."""
    try:
        lines = read_whole(path).splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            found = json.loads(line)
            counts = _counts(found["queries"])
            read = _Line(str(found["log"]), int(found["since"]), counts)
            memory = found.get("memory")
            if memory is None:
                return read
            return replace(read, memory=str(memory["id"]), in_memory=_counts(memory["queries"]))
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _counts(rows: Iterable[Any]) -> Counts:
    return {
        (str(transport), str(outcome), str(reason)): (int(count), int(unlogged))
        for transport, outcome, reason, count, unlogged in rows
    }
