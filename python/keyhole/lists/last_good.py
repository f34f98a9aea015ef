"""Stores the last good lists: ``lists.json``, and a copy of each file.

With the copies, one list can stay as it was while another one changes. If they are lost, the next
compilation starts without a previous version.
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
from keyhole.system.regular_file import open_regular, read_whole

VERSION: Final = 1
_FILE, _COPIES = "lists.json", "lists"


class GoodList(Boundary):
    """The last good version of a list."""

    taken: int
    """Entries that went into the compiled file."""
    files: dict[str, str]
    """SHA-256 of each file by its path."""


class LastCompiled(Boundary):
    """The present compiled file."""

    fingerprint: str
    compiler: int = 1
    sha256: str
    held: dict[str, str]
    """Why a list is held back, by its name."""
    report: CompileReport


class LastGood(Boundary):
    """The stored record."""

    version: Literal[1] = VERSION
    lists: dict[str, GoodList] = Field(default_factory=dict)
    compiled: LastCompiled | None = None


class LastGoodStore:
    """The files of lists in the state folder."""

    def __init__(self, state: Path) -> None:
        """``state`` is an absolute path; the folder is created when needed."""
        self._state = state
        self._copies = state / _COPIES

    def compiled_file(self, sha256: str) -> Path:
        """The path of the compiled file with this digest."""
        return self._state / f"lists-{sha256}.khl"

    def draft(self) -> Path:
        """Where the compiler writes, before the digest is known."""
        self._state.mkdir(parents=True, exist_ok=True)
        # One for each process: a person may compile lists while Keyhole runs.
        return self._state / f"draft-lists-{os.getpid()}.khl"

    def load(self) -> LastGood:
        """The record; empty where it is missing or damaged."""
        try:
            return LastGood.model_validate_json(read_whole(self._state / _FILE))
        except (OSError, ValidationError):
            return LastGood()

    def save(self, last_good: LastGood) -> None:
        """Writes the record atomically, and removes copies that it does not name."""
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

    def lend(self, state: Path) -> None:
        """Gives what is here to another state folder, which is empty, by links: what has not
        changed is not compiled again there. Nothing that is done there changes anything here."""
        other = LastGoodStore(state)
        compiled = self.load().compiled
        files = [(copy, other._copies / copy.name) for copy in self._copies.glob("[!.]*.txt")]
        if compiled is not None:
            sha256 = compiled.sha256
            files.append((self.compiled_file(sha256), other.compiled_file(sha256)))
        try:
            other._copies.mkdir(parents=True, exist_ok=True)
            for file, link in files:
                link.symlink_to(file)
            shutil.copyfile(self._state / _FILE, state / _FILE)
        except OSError:
            return  # what is missing there is compiled again

    def copy_of(self, sha256: str) -> Path | None:
        """The copy with this digest; none where it is missing or damaged."""
        copy = self._copies / f"{sha256}.txt"
        try:
            return copy if contents_of(copy).sha256 == sha256 else None
        except (OSError, ValueError):
            return None

    def save_list(self, planned: PlannedList, taken: int) -> GoodList:
        """Copies the files of a list as its last good version.

        Raises ListError where a file cannot be copied, and `FileChangedError` where it has changed
        since the list was planned.
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
                with open_regular(path) as original, draft.open("wb") as written:
                    shutil.copyfileobj(original, written)
                if contents_of(draft) != contents:
                    raise FileChangedError(f"{path} changed while it was read")
        except OSError as error:
            raise ListError(f"cannot keep a copy of {path}: {error.strerror}") from error


class FileChangedError(ListError):
    """A list file was changed while it was read."""
