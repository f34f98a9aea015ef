"""Gives two files or folders each other's name in one step (renameat2(2))."""

import ctypes
import errno
import os
from pathlib import Path

from keyhole.system.durable import sync

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}
"""Of a kernel, file system or sandbox that does not have it; what is really refused is refused to
every other way as well."""


def exchange(one: Path, other: Path) -> bool:
    """Exchanges the two, which lie in one file system: at no time is there nothing at either name.
    False where this system cannot do it; then nothing has changed. Raises ``OSError``."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    if call(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE) == 0:
        for folder in {one.parent, other.parent}:
            sync(folder)
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))
