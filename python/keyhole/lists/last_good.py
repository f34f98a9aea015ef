"""What is remembered of the last good lists: ``lists.json``, and a copy of each file.

The copies make it possible to keep one list as it was while another one changes. All of it may be
lost: then the next compilation is simply the first one.
"""

import os
import shutil
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from keyhole.errors import ListError
from keyhole.lists.core_protocol import CompileReport
from keyhole.lists.plan import Contents, PlannedList, contents_of
from keyhole.model.field_types import Boundary
from keyhole.system import durable

VERSION: Final = 1
_FILE, _COPIES = "lists.json", "lists"


class GoodList(Boundary):
    """The last good version of one list."""

    taken: int
    """Entries that went into the compiled file."""
    files: dict[str, str]
    """SHA-256 of each file by its path."""


class LastCompiled(Boundary):
    """The compiled file that is there."""

    fingerprint: str
    sha256: str
    held: dict[str, str]
    """Why a list is kept as it was, by its name."""
    report: CompileReport


class LastGood(Boundary):
    """Everything that is remembered."""

    version: Literal[1] = VERSION
    lists: dict[str, GoodList] = Field(default_factory=dict)
    compiled: LastCompiled | None = None


class LastGoodStore:
    """The part of the state folder that belongs to lists."""

    def __init__(self, state: Path) -> None:
        """``state`` is an absolute path; it is made if it is not there."""
        self._state = state
        self._copies = state / _COPIES

    def compiled_file(self, sha256: str) -> Path:
        """Where a compiled file of this content lies."""
        return self._state / f"lists-{sha256}.khl"

    def draft(self) -> Path:
        """Where the compiler writes, before the content and so the name is known."""
        self._state.mkdir(parents=True, exist_ok=True)
        # Its own for each process: a person may compile while Keyhole runs.
        return self._state / f"draft-lists-{os.getpid()}.khl"

    def load(self) -> LastGood:
        """What is remembered; nothing where the record is missing or damaged."""
        try:
            return LastGood.model_validate_json((self._state / _FILE).read_bytes())
        except (OSError, ValidationError):
            return LastGood()

    def save(self, last_good: LastGood) -> None:
        """Writes the record, whole or not at all, and drops copies that it does not name."""
        file = self._state / _FILE
        try:
            durable.write_text(file, last_good.model_dump_json(indent=1) + "\n")
            named = {sha256 for one in last_good.lists.values() for sha256 in one.files.values()}
            for copy in self._copies.glob("*.txt"):
                if copy.stem not in named:
                    copy.unlink(missing_ok=True)
            durable.remove_drafts(self._copies)
        except OSError as error:
            raise ListError(f"cannot write {file}: {error.strerror}") from error

    def copy_of(self, sha256: str) -> Path | None:
        """The copy of a file with this content, where there is one that is still whole."""
        copy = self._copies / f"{sha256}.txt"
        try:
            return copy if contents_of(copy).sha256 == sha256 else None
        except (OSError, ValueError):
            return None

    def save_list(self, planned: PlannedList, taken: int) -> GoodList:
        """Remembers a list as good, with a copy of each of its files.

        Raises ListError where it cannot be copied, and `FileChangedError` where a file is not any more what
        it was when it was planned.
        """
        files = {}
        for file in planned.files:
            if file.contents is not None:
                self._copy_file(file.path, file.contents)
                files[str(file.path)] = file.contents.sha256
        return GoodList(taken=taken, files=files)

    def _copy_file(self, path: Path, contents: Contents) -> None:
        copy = self._copies / f"{contents.sha256}.txt"
        if copy.is_file() and copy.stat().st_size == contents.octets:
            if contents_of(path) != contents:
                raise FileChangedError(f"{path} changed while it was read")
            return
        try:
            self._copies.mkdir(parents=True, exist_ok=True)
            with durable.draft_of(copy) as draft:
                shutil.copyfile(path, draft)
                if contents_of(draft) != contents:
                    raise FileChangedError(f"{path} changed while it was read")
        except OSError as error:
            raise ListError(f"cannot keep a copy of {path}: {error.strerror}") from error


class FileChangedError(ListError):
    """A list file was written while it was read."""
