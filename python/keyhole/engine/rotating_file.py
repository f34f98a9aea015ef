"""The file of the query log, with a second file for the older half."""

import errno
import os
import stat
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700


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

    def append(self, lines: bytes) -> int:
        """Appends as many complete lines as fit; returns their size in octets.

        0 means that the file was full and has been rotated. Raises ``OSError`` if nothing can be
        written, and removes an incomplete line if possible.
        """
        descriptor, size = self._open()
        end = len(lines) if size + len(lines) <= self._most else self._fitting(lines, size)
        if end == 0:
            self.close()
            self.path.replace(self.older)
            return 0
        return self._write(descriptor, lines[:end], size)

    def close(self) -> None:
        """Closes the file; the next write opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _fitting(self, lines: bytes, size: int) -> int:
        end = lines.rfind(b"\n", 0, max(self._most - size, 0)) + 1
        # A line longer than the limit gets a file of its own.
        return end if end or size else lines.index(b"\n") + 1

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
        self._descriptor = descriptor
        return descriptor, size


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
