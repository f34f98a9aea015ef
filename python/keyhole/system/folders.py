"""Folders and files that only their owner reads."""

import os
from contextlib import suppress
from pathlib import Path

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
_OTHERS = 0o077


def keep_private() -> None:
    """Has everything that this process and its children make belong to their user alone."""
    os.umask(_OTHERS)


def mend(folder: Path) -> None:
    """Takes the rights of others away from a folder and from all that is in it.

    Links are not followed. What cannot be changed stays: a file system for reading alone is no
    reason to end.
    """
    if folder.is_symlink():
        return  # its target, such as /var/log, may hold files of others
    with suppress(OSError):
        _mend(folder, PRIVATE_FOLDER)
        for path, folders, files in os.walk(folder):
            for name in folders:
                _mend(Path(path, name), PRIVATE_FOLDER)
            for name in files:
                _mend(Path(path, name), PRIVATE_FILE)


def mend_alone(path: Path) -> None:
    """As `mend`, for one file or for a folder without its content."""
    _mend(path, PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)


def _mend(path: Path, mode: int) -> None:
    with suppress(OSError):
        # A link has no mode of its own, and its target may be anywhere.
        if not path.is_symlink() and path.stat().st_mode & _OTHERS:
            path.chmod(mode)


def make_private_folder(folder: Path) -> None:
    """Makes a folder with mode 0700, and its parents; takes the rights of others away if it
    exists. The target of a link keeps its mode. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    if not folder.is_symlink() and folder.stat().st_mode & _OTHERS:
        folder.chmod(PRIVATE_FOLDER)
