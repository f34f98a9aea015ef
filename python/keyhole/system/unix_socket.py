"""Paths of Unix sockets, which the system limits to 107 octets."""

import hashlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MAX_OCTETS = 107
_CONNECT_SECONDS = 5.0


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A path of the socket that the system accepts, valid inside of the block.

    Too long a path (unix(7), ``sun_path``) is replaced by one through its open folder. Raises
    ``OSError`` if the folder cannot be opened.
    """
    if len(os.fsencode(path)) <= _MAX_OCTETS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def spare_paths(path: Path) -> list[Path]:
    """Where the socket is made if its own folder cannot be written: in folders of this user that
    do not outlive the machine's run."""
    user = os.geteuid()
    word = hashlib.sha256(os.fsencode(path.parent.resolve())).hexdigest()[:16]
    bases = (Path("/run") if user == 0 else Path(f"/run/user/{user}"), Path("/tmp"))  # noqa: S108  (checked below)
    return [base / f"keyhole-{user}-{word}" / path.name for base in bases]


def is_private(folder: Path) -> bool:
    """Whether a folder is this user's, and nobody else may enter it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    mine = found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return stat.S_ISDIR(found.st_mode) and mine


def accepting_path(path: Path) -> Path:
    """The path at which somebody accepts connections: this one or a spare one; this one where
    nobody does."""
    for one in (path, *(spare for spare in spare_paths(path) if is_private(spare.parent))):
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.settimeout(_CONNECT_SECONDS)
            with short_path(one) as short:
                probe.connect(short)
            return one
    return path
