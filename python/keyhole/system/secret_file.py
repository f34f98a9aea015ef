"""Files with secrets: nobody but their owner and a group that may only read sees them."""

import errno
import stat
from pathlib import Path

from keyhole.system.regular_file import read_regular

OTHERS = stat.S_IRWXO | stat.S_IWGRP
"""Rights that a secret must not give."""


def check_private(path: Path) -> None:
    """Raises ``OSError`` if others may read the file, or its group may write it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        raise OSError(
            errno.EACCES,
            f"it is open to other users (mode {mode:04o}); chmod 600 {path}",
            str(path),
        )


def read_secret(path: Path, most: int) -> bytes:
    """The content of a private file; raises ``OSError``, also if it is larger than ``most``."""
    check_private(path)
    return read_regular(path, most)
