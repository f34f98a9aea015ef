"""Exclusive locks on files (flock(2)). The system releases them when the process ends."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NOT_WRITABLE = {errno.EROFS, errno.ENOSPC, errno.EDQUOT}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits for the lock and holds it for the block; makes the file if it is missing."""
    with _open(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def try_lock(path: Path) -> BinaryIO | None:
    """Takes the lock for as long as the result is open; none where somebody else has it."""
    file = _open(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError:
        file.close()
        raise
    return file


def _open(path: Path) -> BinaryIO:
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600), "r+b", buffering=0)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE or not path.exists():
            raise
    # A lock writes nothing: a folder that cannot be written is no hindrance.
    return os.fdopen(os.open(path, os.O_RDONLY | flags), "rb", buffering=0)
