"""Tells whether files changed, and reads several as they are at one moment."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from keyhole.config.files import COPY, EXTENSIONS
from keyhole.errors import KeyholeError

Fingerprint = dict[Path, tuple[int, int, int]]
"""For each existing file: inode, size in octets, modification time in nanoseconds."""

_MAX_READINGS = 4
"""What is written all the time is read as it is; the watch finds the next change."""

Result = TypeVar("Result")


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """The current state of the files; a folder means the files of documents in it, at any depth,
    and the one file of stored documents."""
    found: Fingerprint = {}
    for path in paths:
        for file in _documents_in(path) if path.is_dir() else [path]:
            try:
                status = file.stat()
            except OSError:
                continue  # missing or unreadable is a change; the reader reports the reason
            found[file] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def read_as_one(paths: Iterable[Path], read: Callable[[], Result]) -> Result:
    """What ``read`` gives or raises, of files that stayed the same while it read them.

    Who changes several files writes one after the other. A reader that looks at the first before
    that and at the last after it would have the one without the other in force, such as a policy
    without the token that it is about; where they changed, it reads them again.
    """
    files = list(paths)
    now = fingerprint(files)
    for _ in range(_MAX_READINGS - 1):
        before = now
        problem: KeyholeError | OSError | None = None
        try:
            result = read()
        except (KeyholeError, OSError) as error:
            problem = error
        now = fingerprint(files)
        if now == before:
            if problem is not None:
                raise problem
            return result
    return read()


def _documents_in(folder: Path) -> Iterator[Path]:
    # Not by `rglob`, which raises where a folder in it vanishes at that moment.
    for place, folders, files in os.walk(folder):
        # Their reader skips such names, and an editor writes its second copies under them.
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in (*folders, *files) if _is_read(name))


def _is_read(name: str) -> bool:
    return name == COPY or (name.endswith(EXTENSIONS) and not name.startswith("."))
