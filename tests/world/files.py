"""Files of a folder in which a program is at work: some vanish while a test looks."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def paths_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every folder and file below ``folder``, with what ``lstat`` says of it."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            with suppress(FileNotFoundError):
                yield path, path.lstat()


def contents(folder: Path) -> Iterator[bytes]:
    """The content of every file below ``folder``."""
    for path, _ in paths_below(folder):
        with suppress(FileNotFoundError):
            if path.is_file():
                yield path.read_bytes()
