"""Follows a query log while the engine writes it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from keyhole.querylog.entry import LogEntry, read_line
from keyhole.querylog.read import FILES, MAX_LINE, LogReader


class Tail:
    """The queries of the log in one folder, from the oldest that is kept to those still to come."""

    def __init__(self, folder: Path) -> None:
        """Reads nothing yet; the log need not be there."""
        self._older, self._path = (folder / name for name in FILES)
        self._file: BinaryIO | None = None
        self._half = b""
        self._is_begun = False

    def skip(self) -> None:
        """Passes over what is there; `new` then gives only what comes."""
        self._is_begun = True
        self._file = self._open()
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def new(self) -> Iterator[LogEntry]:
        """The queries since the last call, at first all that are there. Lines that cannot be read
        are passed over."""
        if not self._is_begun:
            self._is_begun = True
            # Opened first: whatever is rotated away meanwhile is then read twice rather than not.
            self._file = self._open()
            if self._older.exists():
                yield from LogReader([self._older])
        while True:
            yield from self._rest()
            if not self._is_replaced():
                return
            # Whatever came between the last look and the rotation belongs to the old file.
            yield from self._rest()
            self.close()
            self._file = self._open()

    def close(self) -> None:
        """Lets go of the file."""
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
                self._half = b"x"  # the rest of it is no line either

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
