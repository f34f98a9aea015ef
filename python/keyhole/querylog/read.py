"""Reads files of the query log, oldest first, one line at a time."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from keyhole.errors import KeyholeError
from keyhole.querylog.entry import LogEntry, read_line

FILES = ("queries.1.jsonl", "queries.jsonl")
"""The files in a folder, oldest first."""
MAX_LINE = 65_536


class QueryLogError(KeyholeError):
    """There is no query log where one was looked for."""


class LogReader:
    """The queries of some files or folders, in order; counts what it cannot give.

    The whole is never in memory, and the engine may write meanwhile.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Raises `QueryLogError` where a path leads to no log."""
        self._paths = [file for path in paths for file in log_files(path)]
        self.damaged = 0
        """Lines that cannot be read."""
        self.lost = 0
        """Events of which the log itself says that they were not written."""

    def __iter__(self) -> Iterator[LogEntry]:
        with ExitStack() as opened:
            for file in _open(self._paths, opened):
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


def log_files(path: Path) -> list[Path]:
    """The files that a path means, oldest first: the file itself, or those in the folder."""
    if not path.is_dir():
        if not path.exists():
            raise QueryLogError(f"{path} does not exist; give a query log or its folder")
        return [path]
    found = [path / name for name in FILES if (path / name).exists()]
    if not found:
        raise QueryLogError(
            f"{path} holds no {FILES[-1]}; give the log folder of a Keyhole that ran, and see "
            "whether log.keep in its keyhole.yaml is 0"
        )
    return found


def _open(paths: list[Path], opened: ExitStack) -> list[BinaryIO]:
    """Opens the newest first: a file that becomes the older one meanwhile is then there twice,
    which can be told, instead of not at all."""
    files: list[BinaryIO] = []
    seen: set[tuple[int, int]] = set()
    for path in reversed(paths):
        try:
            file = opened.enter_context(path.open("rb"))
        except FileNotFoundError:
            continue  # it was there a moment ago: the engine has just replaced it
        status = os.fstat(file.fileno())
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            files.insert(0, file)
    return files


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines; an empty one stands for each that is too long, and for one without an end."""
    while line := file.readline(MAX_LINE):
        if line.endswith(b"\n"):
            yield line
            continue
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE)
        yield b""
