"""Reads query log files, oldest first, line by line."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from keyhole.errors import KeyholeError
from keyhole.querylog.entry import LogEntry, read_line
from keyhole.system.regular_file import open_regular

FILES = ("queries.1.jsonl", "queries.jsonl")
"""The files in a folder, oldest first."""
OWN_FILES = ("own.1.jsonl", "own.jsonl")
"""Those with Keyhole's own queries, which no search, statistic or export reads."""
MAX_LINE = 65_536


class QueryLogError(KeyholeError):
    """A path does not lead to a query log."""


class LogReader:
    """The queries of files or folders in order; counts lines that hold no query.

    It reads line by line, and the engine may write at the same time.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Raises `QueryLogError` where a path does not lead to a query log."""
        given = list(paths)
        # Whoever names a file may name a pipe; in a folder there are only files of ours.
        self._named = {path for path in given if not path.is_dir()}
        self._paths = [file for path in given for file in log_files(path)]
        self.damaged = 0
        """Lines that cannot be read."""
        self.lost = 0
        """Events that the engine could not write, according to the log."""

    def __iter__(self) -> Iterator[LogEntry]:
        with ExitStack() as opened:
            for file in _open(self._paths, self._named, opened):
                yield from self._entries(file)

    def _entries(self, file: BinaryIO) -> Iterator[LogEntry]:
        for line in _lines(file):
            match line and read_line(line):
                case LogEntry() as entry:
                    yield entry
                case int(lost):
                    self.lost += lost
                case _:
                    self.damaged += 1


def log_files(path: Path, names: tuple[str, ...] = FILES) -> list[Path]:
    """The log files of a path, oldest first: the file itself, or those in the folder."""
    if not path.is_dir():
        if not path.exists():
            raise QueryLogError(f"{path} does not exist; give a query log or its folder")
        return [path]
    found = [path / name for name in names if (path / name).exists()]
    if not found:
        raise QueryLogError(
            f"{path} holds no {names[-1]}; give the log folder of a Keyhole that ran, and see "
            "whether log.keep in its keyhole.yaml is 0"
        )
    return found


def _open(paths: list[Path], named: set[Path], opened: ExitStack) -> list[BinaryIO]:
    """Opens the newest first: a file that is rotated meanwhile is then found twice, which can be
    detected, instead of never."""
    files: list[BinaryIO] = []
    seen: set[tuple[int, int]] = set()
    for path in reversed(paths):
        try:
            file = opened.enter_context(path.open("rb") if path in named else open_regular(path))
        except FileNotFoundError:
            continue  # the engine has rotated it since it was found
        status = os.fstat(file.fileno())
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            files.insert(0, file)
    return files


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Complete lines; an empty one for each line that is too long or has no end."""
    while line := file.readline(MAX_LINE):
        if line.endswith(b"\n"):
            yield line
            continue
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE)
        yield b""
