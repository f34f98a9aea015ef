"""A copy of the stored documents as files, for compiling.

The database is authoritative. The copy is written before a change is committed, replaces the old
one afterwards in one step, and is checked at the start. The folder ``documents-N`` holds the
documents after change N in one file; the link ``stored`` points to the folder in force.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from keyhole.config.files import BESIDE, COPY, copies, read_copies
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import UnwritableError
from keyhole.store import Version
from keyhole.system import durable

_FOLDER = "documents-"
_INSIDE = "stored"
"""With it, messages name a file such as ``stored/policy-base.yaml``."""


class StoredFiles:
    """The copies in one data folder; paths in documents are relative to ``beside``."""

    def __init__(self, data: DataFolder, beside: Path) -> None:
        self._data = data
        self._beside = beside

    def draft(self, versions: Iterable[Version]) -> Path:
        """Writes the documents into a folder of their own, which is not in force yet; none of them
        may be deleted ones. Raises `UnwritableError` where the disk takes them not."""
        folder = self._data.state / f"{_FOLDER}draft"
        named = ((f"{_INSIDE}/{one.kind.lower()}-{one.name}.yaml", one.text) for one in versions)
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / BESIDE).symlink_to(self._beside)
            text = json.dumps(sorted(named), ensure_ascii=False)
            (folder / COPY).write_bytes(text.encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise UnwritableError(f"cannot write {folder}: {error.strerror}") from error
        return folder

    def take(self, draft: Path, change: int) -> None:
        """Puts a draft in force in the place of the previous copy."""
        folder = self._data.state / f"{_FOLDER}{change}"
        link = self._data.stored
        try:
            shutil.rmtree(folder, ignore_errors=True)
            durable.rename(draft, folder)
            durable.replace_link(link, folder.name)
        except OSError as error:
            raise UnwritableError(f"cannot write {folder}: {error.strerror}") from error
        self._drop_all_but(folder)

    def number(self) -> int | None:
        """The number of the last change in the copy in force; none without a whole copy.

        A tool that copied the data folder may have written folders where links were, and links may
        lead to where the folder was before: such a copy is made anew.
        """
        link = self._data.stored
        beside = link / BESIDE
        if not link.is_symlink() or not link.is_dir() or not beside.is_symlink():
            return None
        if beside.readlink() != self._beside or not _is_whole(link):
            return None
        word = link.readlink().name.removeprefix(_FOLDER)
        return int(word) if word.isdecimal() else None

    def _drop_all_but(self, kept: Path) -> None:
        for folder in self._data.state.glob(f"{_FOLDER}*"):
            if folder != kept:
                shutil.rmtree(folder, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    """Whether the file with the documents can be read, if the folder has it."""
    try:
        text = read_copies(folder)
        return text is None or copies(text) is not None
    except (OSError, ValueError, TypeError):
        return False
