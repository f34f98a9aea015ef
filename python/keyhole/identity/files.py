"""Key files: atomic writes, and access for the owner only."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyhole.identity.error import IdentityError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
PUBLIC_FILE = 0o644


def make_private_folder(folder: Path) -> None:
    """Creates the folder with mode 0700; removes the access of others if it exists."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        if folder.stat().st_mode & 0o077:
            folder.chmod(PRIVATE_FOLDER)
    except OSError as error:
        raise IdentityError(
            f"cannot create the folder {folder} for keys: {error.strerror}; "
            "give a data folder that this user can write"
        ) from error


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Replaces a file in one step, so that a reader and a crash see the old or the new one."""
    try:
        # mkstemp makes the file with mode 0600: others can never read a key, not for a moment.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise IdentityError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise IdentityError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes from issuing in this folder; the system lets go when we die."""
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
