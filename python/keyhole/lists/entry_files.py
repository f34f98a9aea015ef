"""Entries that stand in a List document itself, as files for the core's compiler."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from keyhole.errors import ListError
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

_FOLDER = "entries"


class EntryFiles:
    """The folder of these files in the state folder; each can be made again from its document."""

    def __init__(self, state: Path) -> None:
        """``state`` is an absolute path."""
        self._folder = state / _FOLDER

    def path(self, name: str, entries: str) -> Path:
        """The path for the entries of the List ``name``; other entries have another one."""
        digest = hashlib.sha256(entries.encode()).hexdigest()[:12]
        return self._folder / f"{name}-{digest}.txt"

    def write(self, name: str, entries: str) -> Path:
        """Writes the entries where they are not there already; returns the path. Raises
        `ListError` where that is not possible."""
        path, octets = self.path(name, entries), entries.encode()
        try:
            if not path.is_file() or read_whole(path) != octets:
                self._folder.mkdir(parents=True, exist_ok=True)
                durable.write_bytes(path, octets)
        except OSError as error:
            raise ListError(f"cannot write {path}: {error.strerror}") from error
        return path

    def drop_all_but(self, kept: Iterable[Path]) -> None:
        """Removes the files of documents that changed or are gone."""
        named = {path.name for path in kept}
        for file in self._folder.glob("[!.]*"):
            if file.name not in named:
                file.unlink(missing_ok=True)
