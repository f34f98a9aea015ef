"""Exclusive locks on files (flock(2)). The system releases them when the process ends."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from keyhole.system.lock_holder import holder_of

_NOT_WRITABLE = {errno.EROFS, errno.ENOSPC, errno.EDQUOT}


WAIT_SECONDS = 10.0
"""How long `locked` waits: whoever holds such a lock writes a few small files."""
_RETRY_SECONDS = 0.02


class LockTimeoutError(OSError):
    """Another process holds a lock and does not let go of it; the message says which."""


@contextmanager
def locked(path: Path, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Waits for the lock and holds it for the block; makes the file if it is missing. Raises
    `LockTimeoutError` if it does not get it in time: its holder may be stopped."""
    last = time.monotonic() + seconds
    while (file := try_lock(path)) is None:
        if time.monotonic() >= last:
            raise LockTimeoutError(errno.EAGAIN, _who_holds(path, seconds), str(path))
        time.sleep(_RETRY_SECONDS)
    with file:
        yield


def _who_holds(path: Path, seconds: float) -> str:
    holder = holder_of(path)
    waited = f"waited {seconds:g} s for the lock {path.name}, which"
    if holder is None:
        return f"{waited} another process holds"
    if holder.is_stopped:
        hint = f"it is stopped; let it go on (kill -CONT {holder.pid}) or end it"
    else:
        hint = f"end it if it hangs (kill {holder.pid})"
    return f"{waited} process {holder.pid} holds ({holder.command}); {hint}"


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


def hold(descriptor: int) -> None:
    """Takes the lock of an open file or folder for as long as it is open. Raises
    ``BlockingIOError`` where somebody else has it."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(path: Path) -> bool:
    """Whether somebody has the lock: a look that makes no file and is in the way of no other look.
    Whoever takes the lock in the same moment must try again. Raises ``OSError``."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _open(path: Path) -> BinaryIO:
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600), "r+b", buffering=0)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE or not path.exists():
            raise
    # A lock writes nothing: a folder that cannot be written is no hindrance.
    return os.fdopen(os.open(path, os.O_RDONLY | flags), "rb", buffering=0)
