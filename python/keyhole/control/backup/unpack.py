"""Unpacks a backup into new folders that nobody uses yet."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from keyhole.control.backup.error import BackupError
from keyhole.control.backup.manifest import Manifest
from keyhole.model.units import MIB

_SPARE = 16 * 1024 * 1024
_PRIVATE_FOLDER = 0o700


class Unpacker:
    """Writes members below ``folder``, which must be new: then no name in it leads elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, name: str, mode: int, pieces: Iterator[bytes]) -> None:
        """Writes one member; what is written is not on the disk yet. Raises ``OSError``."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            for piece in pieces:
                view = memoryview(piece)
                while view:
                    view = view[os.write(descriptor, view) :]
            os.fchmod(descriptor, mode | 0o400)
        finally:
            os.close(descriptor)


def check_room(manifest: Manifest, folder: Path) -> None:
    """Raises `BackupError` where the disk has no room for a backup."""
    wanted, free = manifest.octets + _SPARE, shutil.disk_usage(folder).free
    if wanted > free:
        raise BackupError(
            f"there is no room in {folder}: {-(-wanted // MIB)} MiB are wanted and "
            f"{free // MIB} MiB are free; make room, or give --data on another disk"
        )


def give_to(folder: Path, owner: os.stat_result) -> None:
    """Has a file, or a folder and all below it, belong to this owner, if this process may do so."""
    if os.geteuid() != 0:
        return
    for one in (folder, *folder.rglob("*")):
        os.chown(one, owner.st_uid, owner.st_gid, follow_symlinks=False)
