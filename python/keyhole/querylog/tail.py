"""Follows a query log while the engine writes it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from keyhole.querylog.entry import LogEntry, read_line
from keyhole.querylog.place import ReadingPlace
from keyhole.querylog.read import FILES, MAX_LINE
from keyhole.system.regular_file import open_regular

_MAX_SKIPPED = 2**20
"""Octets that are passed at a time."""


class Tail:
    """The queries of the log in one folder: first the stored ones, then new ones."""

    def __init__(self, folder: Path, names: tuple[str, ...] = FILES) -> None:
        """Reads nothing yet; the log need not exist."""
        self._older, self._path = (folder / name for name in names)
        self._file: BinaryIO | None = None
        self._half = b""
        self._is_begun = False
        self._place = ReadingPlace()
        self.missed = 0
        """Queries that the log says were lost, or that were rotated away before they were read."""

    def skip(self) -> None:
        """Skips the stored queries, so that `new` returns later ones only."""
        self._is_begun = True
        self._file = self._open()
        while self._file is not None and (lines := self._file.readlines(_MAX_SKIPPED)):
            if not lines[-1].endswith(b"\n"):
                self._half = lines.pop()
            self._place.skip(b"".join(lines))

    def new(self) -> Iterator[LogEntry]:
        """The queries since the last call; in the first call all stored ones. Damaged lines are
        skipped."""
        if not self._is_begun:
            self._is_begun = True
            # Opened first: lines that are rotated meanwhile are then read twice, not missed.
            self._file = self._open()
            yield from self._whole(self._older)
        while True:
            yield from self._rest()
            if not self._is_replaced():
                return
            # Lines that were written between the last read and the rotation are in the old file.
            yield from self._rest()
            before, self._file, self._half = self._file, None, b""
            newest = self._open()
            try:
                # It may have been rotated more than once.
                if not _is_same(before, self._older):
                    yield from self._whole(self._older)
            finally:
                if before is not None:
                    before.close()
            self._file = newest

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._half = None, b""

    def _rest(self) -> Iterator[LogEntry]:
        while self._file is not None and (line := self._file.readline(MAX_LINE)):
            self._half += line
            if self._half.endswith(b"\n"):
                self.missed += self._place.missed(self._half)
                entry = read_line(self._half)
                self._half = b""
                if isinstance(entry, LogEntry):
                    yield entry
            elif len(self._half) > MAX_LINE:
                self._half = b"x"  # marks that the rest of this line must be skipped

    def _whole(self, path: Path) -> Iterator[LogEntry]:
        """The queries of one whole file, if it is there."""
        newest, half = self._file, self._half
        try:
            self._file, self._half = open_regular(path), b""
            yield from self._rest()
            self._file.close()
        except FileNotFoundError:
            pass
        finally:
            self._file, self._half = newest, half

    def _is_replaced(self) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return self._file is None or not os.path.samestat(os.fstat(self._file.fileno()), named)

    def _open(self) -> BinaryIO | None:
        try:
            return open_regular(self._path)
        except FileNotFoundError:
            return None


def _is_same(file: BinaryIO | None, path: Path) -> bool:
    try:
        return file is not None and os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return True  # nothing is there to be read
