"""Files of the history that cannot be read: they are mended or set aside, so that others answer.

Names and counts beside rows are made again from the rows. Rows that cannot be read are moved into
``damaged`` beside the segments, under their names; their counts stay counted. What is set aside
is deleted when its queries would have been.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from keyhole.querylog.history.name_index import NameIndex
from keyhole.querylog.history.rollups import PARTS as ROLLUP_PARTS
from keyhole.querylog.history.segment import (
    PART_COLUMNS,
    PARTS,
    Segment,
    named_segments,
    rebuild_part,
    write_empty_part,
)
from keyhole.system import durable
from keyhole.system.regular_file import open_regular, read_whole

FOLDER = "damaged"
_MAGIC = b"PAR1"
_LEAST_OCTETS = 12
Version = tuple[int, int, int]
"""Inode, size and modification time of a file."""


@dataclass(frozen=True)
class SetAside:
    """A segment whose rows cannot be read."""

    segment: Segment
    is_counted: bool
    """Whether its counts could be kept."""

    def __str__(self) -> str:
        one = self.segment
        span = f"{_time(one.begin)} to {_time(one.end)}"
        counted = "still counted" if self.is_counted else "not counted any more"
        return f"{one.rows:,} queries of {span}, which no search finds and which are {counted}"


class DamageFinder:
    """Finds files that cannot be read; remembers those that it has read whole."""

    def __init__(self) -> None:
        self._read: dict[Path, Version] = {}

    def forget(self) -> None:
        """Has everything read again: a disk may change content without a trace."""
        self._read.clear()

    def bad_parts(
        self,
        segment: Segment,
        parts: tuple[str, ...],
        connection: duckdb.DuckDBPyConnection | None = None,
    ) -> list[str]:
        """The parts of a segment that are missing or cannot be read; with a ``connection`` all of
        each is read, else only its ends. None where the segment is gone as a whole."""
        bad = [part for part in parts if not self._is_good(segment.path(part), part, connection)]
        is_gone = not any(segment.path(part).exists() for part in parts)
        return [] if is_gone else bad

    def _is_good(self, path: Path, part: str, connection: duckdb.DuckDBPyConnection | None) -> bool:
        version = _version(path)
        if version is None:
            return False
        if connection is None or self._read.get(path) == version:
            return is_whole(path)
        if not is_whole(path) or not _is_readable(connection, path, part):
            return False
        self._read[path] = version
        return True


def is_whole(path: Path) -> bool:
    """Whether a file begins and ends as a Parquet file does; cheap, and finds a torn one."""
    try:
        with open_regular(path) as file:
            first = file.read(4)
            size = file.seek(0, 2)
            if size < _LEAST_OCTETS:
                return False
            file.seek(-8, 2)
            length, last = int.from_bytes(file.read(4), "little"), file.read(4)
    except OSError:
        return False
    return first == last == _MAGIC and length <= size - _LEAST_OCTETS


def _version(path: Path) -> Version | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_readable(connection: duckdb.DuckDBPyConnection, path: Path, part: str) -> bool:
    """Whether all of a file can be read, and has the columns of its part."""
    quoted = str(path).replace("'", "''")
    columns = ", ".join(f'hash("{name}"::{kind})' for name, kind in PART_COLUMNS[part].items())
    source = f"read_parquet('{quoted}', hive_partitioning = false)"
    try:
        connection.execute(f"SELECT bit_xor(hash({columns})) FROM {source}").fetchall()
    except duckdb.Error:
        return False
    return True


def mend(
    connection: duckdb.DuckDBPyConnection, root: Path, segment: Segment, bad: list[str]
) -> SetAside | None:
    """Makes names and counts again where the rows are good; else sets the rows aside, and keeps the
    counts if they are good. Raises ``OSError`` and ``duckdb.Error``."""
    if "rows" not in bad:
        for part in bad:
            _remove(segment.path(part))
            rebuild_part(connection, segment, part)
        return None
    is_counted = "sums" not in bad
    if is_counted:
        _keep_counts(connection, root, segment, bad)
    move_away(root, segment)
    return SetAside(segment, is_counted)


def mend_rollup(connection: duckdb.DuckDBPyConnection, root: Path, one: Segment) -> None:
    """Keeps what is good of a rollup: it is what remains, so nothing can be made again."""
    bad = DamageFinder().bad_parts(one, ROLLUP_PARTS, connection)
    if "sums" in bad:
        move_away(root, one)
        return
    for part in bad:
        _remove(one.path(part))
        write_empty_part(connection, one, part)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _keep_counts(
    connection: duckdb.DuckDBPyConnection, root: Path, segment: Segment, bad: list[str]
) -> None:
    folder = root / "past"
    folder.mkdir(exist_ok=True)
    kept = Segment(segment.begin, segment.end, segment.rows, segment.origin, folder)
    # The sums come last: they make a rollup valid.
    for part in reversed(ROLLUP_PARTS):
        if part in bad:
            write_empty_part(connection, kept, part)
        else:
            durable.write_bytes(kept.path(part), read_whole(segment.path(part)))


def move_away(root: Path, segment: Segment) -> None:
    """Moves what is there of a segment away. Raises ``OSError``."""
    folder = root / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    # The rows first: they make a segment valid.
    for part in PARTS:
        path = segment.path(part)
        if path.exists() or path.is_symlink():
            durable.rename(path, folder / path.name)


def drop_damaged_indexes(found: Iterable[NameIndex]) -> None:
    """Removes indexes that cannot be read: they only speed a search up, and are made again."""
    for one in found:
        if not is_whole(one.file):
            drop_index(one)


def drop_index(one: NameIndex) -> None:
    """Removes an index."""
    with suppress(OSError):
        one.file.with_suffix(".json").unlink(missing_ok=True)
        one.file.unlink(missing_ok=True)


def set_aside(root: Path) -> list[SetAside]:
    """What was set aside, oldest first."""
    return sorted(_found(root), key=lambda one: one.segment)


def _found(root: Path) -> Iterator[SetAside]:
    kept = {one.stem for one in named_segments(root / "past", "sums")}
    for part in ("rows", "sums"):
        for one in named_segments(root / FOLDER, part):
            if part == "rows" or not one.path("rows").exists():
                yield SetAside(one, one.stem in kept)


def drop_old(root: Path, oldest: int) -> None:
    """Deletes what was set aside and ends before this, in microseconds of Unix time."""
    for one in list(_found(root)):
        if one.segment.end < oldest:
            for part in PARTS:
                _remove(one.segment.path(part))


def _time(micros: int) -> str:
    try:
        return f"{datetime.fromtimestamp(micros / 1e6, UTC):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return "an unknown time"
