"""Key files: atomic writes, and access for the owner only. Errors are `IdentityError`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from keyhole.identity.error import FolderInUseError, IdentityError
from keyhole.system import durable, folders, lock
from keyhole.system.durable import PRIVATE_FILE, PUBLIC_FILE

__all__ = [
    "PRIVATE_FILE",
    "PUBLIC_FILE",
    "locked",
    "make_private_folder",
    "write_errors",
    "write_whole",
]


def make_private_folder(folder: Path) -> None:
    """Creates the folder with mode 0700; removes the access of others if it exists."""
    try:
        folders.make_private_folder(folder)
    except OSError as error:
        raise IdentityError(
            f"cannot create the folder {folder} for keys: {error.strerror}; "
            "give a data folder that this user can write"
        ) from error


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """As `durable.write_bytes`."""
    with write_errors(path):
        durable.write_bytes(path, content, mode)


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Raises an ``OSError`` of the block as one about this path."""
    try:
        yield
    except OSError as error:
        raise IdentityError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes from issuing in this folder. Raises `FolderInUseError` if another one
    holds it and does not let go."""
    with ExitStack() as held:
        with write_errors(folder / ".lock"):
            try:
                held.enter_context(lock.locked(folder / ".lock"))
            except lock.LockTimeoutError as error:
                raise FolderInUseError(f"{folder} is in use: {error.strerror}") from error
        yield
