"""Reads regular files only: a FIFO, socket or device would block its reader, or never end."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Path) -> BufferedReader:
    """Opens a regular file for reading; raises ``OSError`` for anything else.

    What is no regular file is never opened for reading: to open a device may act on it, and to open
    a FIFO waits for its writer.
    """
    # O_PATH only finds the file (open(2)); the second call opens what was found and checked.
    found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _refuse_other_kinds(found)
        # O_NONBLOCK: a file on a slow system may be locked by a lease (fcntl(2)).
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        opened = os.open(f"/proc/self/fd/{found}", flags)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        os.close(found)
    return os.fdopen(opened, "rb")


def check_regular(path: Path) -> None:
    """Raises ``OSError`` for a path that leads to no regular file."""
    found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _refuse_other_kinds(found)
    finally:
        os.close(found)


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file; raises ``OSError``, also if it is larger than ``most``."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most} octets", str(path))
    return content


def read_whole(path: Path) -> bytes:
    """The content of a regular file of our own, however large; raises ``OSError``."""
    with open_regular(path) as file:
        return file.read()


def _refuse_other_kinds(descriptor: int) -> None:
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        number = errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL
        raise OSError(number, f"{_KINDS.get(kind, 'something else')}, not a regular file")
