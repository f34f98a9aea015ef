"""Paths of Unix sockets, which the system limits to 107 octets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MAX_OCTETS = 107


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name of the socket that the system takes, valid inside of the block.

    A path that is too long (unix(7), ``sun_path``) is reached through its open folder. Raises
    ``OSError`` where the folder cannot be opened.
    """
    if len(os.fsencode(path)) <= _MAX_OCTETS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
