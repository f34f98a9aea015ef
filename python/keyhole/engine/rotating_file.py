"""The file of the query log, with a second file for the older half.

A file that follows another one begins with ``{"lost": 0, "before": N}``: the number of queries in
all files before it. Whoever follows the log sees by it how many queries came and went meanwhile.
"""

import errno
import json
import os
import stat
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_NO_QUERY = b'{"lost"'
"""How lines begin that hold no query."""
_CHUNK = 2**20
_MAX_FIRST_LINE = 65_536


class RotatingFile:
    """Appends lines to ``path`` and keeps at most ``keep`` octets, in two files.

    At half of that size, ``queries.jsonl`` is renamed to ``queries.1.jsonl`` and replaces the older
    file. Other programs may move, truncate or delete either file: the path is checked before each
    write.
    """

    def __init__(self, path: Path, keep: int) -> None:
        self.path = path
        self.older = path.with_name(f"{path.stem}.1{path.suffix}")
        self._most = keep // 2
        self._descriptor: int | None = None
        self._before: int | None = None
        """The queries in the files before the next one."""
        self._counted = (0, 0)
        """How far the lines of the file are counted, in octets, and the queries until there."""
        self._empty_size = 0
        """The size of the file as long as it holds no query."""

    def append(self, lines: bytes, queries: int | None = None) -> int:
        """Appends as many complete lines as fit; returns their size in octets. ``queries`` is how
        many of them hold queries, if that is known: then they need not be counted again.

        0 means that the file was full and has been rotated. Raises ``OSError`` if nothing can be
        written, and removes an incomplete line if possible.
        """
        descriptor, size = self._open()
        end = len(lines) if size + len(lines) <= self._most else self._fitting(lines, size)
        if size < self._counted[0]:
            self._counted = (0, 0)  # it was truncated
        if end == 0:
            self._before = _queries_until_end(descriptor, *self._counted)
            self.close()
            self.path.replace(self.older)
            return 0
        written = self._write(descriptor, lines[:end], size)
        at, before = self._counted
        if queries is not None and at == size and written == len(lines):
            self._counted = (size + written, before + queries)
        return written

    def close(self) -> None:
        """Closes the file; the next write opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _fitting(self, lines: bytes, size: int) -> int:
        end = lines.rfind(b"\n", 0, max(self._most - size, 0)) + 1
        # A line longer than the limit gets a file of its own.
        is_empty = size == self._empty_size
        return end if end or not is_empty else lines.index(b"\n") + 1

    def _write(self, descriptor: int, lines: bytes, size: int) -> int:
        written = 0
        try:
            while written < len(lines):
                written += os.write(descriptor, lines[written:])
        except OSError:
            whole = lines.rfind(b"\n", 0, written) + 1
            try:
                os.ftruncate(descriptor, size + whole)
            finally:
                self.close()
            # Complete lines were written, so this is a success; the next write meets the error.
            if not whole:
                raise
            return whole
        return written

    def _open(self) -> tuple[int, int]:
        """The descriptor of the file at the path, and its size."""
        if self._descriptor is not None:
            mine = os.fstat(self._descriptor)
            try:
                named = self.path.lstat()
            except FileNotFoundError:
                named = None
            if named is not None and os.path.samestat(mine, named):
                return self._descriptor, mine.st_size
            self.close()
        if not self.path.parent.is_dir():
            # Only this folder: missing parents are an error that should be visible.
            self.path.parent.mkdir(FOLDER_MODE)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self.path, flags, FILE_MODE)
        try:
            size = _checked_size(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor, self._empty_size, self._counted = descriptor, 0, (0, 0)
        if size == 0 and self._before is not None:
            first = json.dumps({"lost": 0, "before": self._before}).encode() + b"\n"
            size = self._empty_size = self._write(descriptor, first, 0)
            self._counted = (size, 0)
        return descriptor, size


def queries_in(lines: bytes) -> int:
    """The queries in complete lines."""
    return lines.count(b"\n") - (b"\n" + lines).count(b"\n" + _NO_QUERY)


def _queries_until_end(descriptor: int, at: int, count: int) -> int:
    """The queries in a file, and in all files before it as far as it says so. ``count`` are those
    before the place ``at``, where a line begins."""
    first = os.pread(descriptor, _MAX_FIRST_LINE, 0)
    half = b""
    while octets := os.pread(descriptor, _CHUNK, at):
        at += len(octets)
        octets = half + octets
        end = octets.rfind(b"\n") + 1
        count += queries_in(octets[:end])
        half = octets[end:]
    return count + _before_of(first[: first.find(b"\n") + 1])


def _before_of(first_line: bytes) -> int:
    """The queries before a file, by its first line; 0 where it says nothing of them."""
    try:
        before = json.loads(first_line)["before"] if first_line.startswith(_NO_QUERY) else 0
        return before if isinstance(before, int) and before >= 0 else 0
    except (ValueError, KeyError, TypeError):
        return 0


def _checked_size(descriptor: int) -> int:
    """The size of the file, after completing its last line."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    size = status.st_size
    # A killed process or a power failure may have left an incomplete line.
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        size += os.write(descriptor, b"\n")
    return size
