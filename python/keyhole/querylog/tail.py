"""Follows a query log while the engine writes it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from keyhole.querylog.entry import LogEntry, read_line
from keyhole.querylog.read import FILES, MAX_LINE, LogReader


class Tail:
    """The queries of the log in one folder: first the stored ones, then new ones."""

    def __init__(self, folder: Path, names: tuple[str, ...] = FILES) -> None:
        """Reads nothing yet; the log need not exist."""
        self._older, self._path = (folder / name for name in names)
        self._file: BinaryIO | None = None
        self._half = b""
        self._is_begun = False

    def skip(self) -> None:
        """Skips the stored queries, so that `new` returns later ones only."""
        self._is_begun = True
        self._file = self._open()
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def new(self) -> Iterator[LogEntry]:
        """The queries since the last call; in the first call all stored ones. Damaged lines are
        skipped."""
        if not self._is_begun:
            self._is_begun = True
            # Opened first: lines that are rotated meanwhile are then read twice, not missed.
            self._file = self._open()
            if self._older.exists():
                yield from LogReader([self._older])
        while True:
            yield from self._rest()
            if not self._is_replaced():
                return
            # Lines that were written between the last read and the rotation are in the old file.
            yield from self._rest()
            self.close()
            self._file = self._open()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._half = None, b""

    def _rest(self) -> Iterator[LogEntry]:
        while self._file is not None and (line := self._file.readline(MAX_LINE)):
            self._half += line
            if self._half.endswith(b"\n"):
                entry = read_line(self._half)
                self._half = b""
                if isinstance(entry, LogEntry):
                    yield entry
            elif len(self._half) > MAX_LINE:
                self._half = b"x"  # marks that the rest of this line must be skipped

    def _is_replaced(self) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return self._file is None or not os.path.samestat(os.fstat(self._file.fileno()), named)

    def _open(self) -> BinaryIO | None:
        try:
            return self._path.open("rb")
        except FileNotFoundError:
            return None
