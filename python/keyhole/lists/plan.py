"""Which files each list uses, and what is in them right now."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keyhole.config.declaration import Declaration
from keyhole.lists.download_store import DownloadStore
from keyhole.model.list import Format, ListSpec
from keyhole.model.units import MIB, show_octets

MAX_LIST_FILE = 512 * MIB
_CHUNK = 1 * MIB


@dataclass(frozen=True)
class Contents:
    """What a file held when it was looked at."""

    sha256: str
    octets: int


@dataclass(frozen=True)
class PlannedFile:
    """One file of a list: as it is called, where it is, and what it holds.

    ``contents`` is none where the file cannot be used, and ``error`` says why.
    """

    path: Path
    contents: Contents | None
    error: str = ""


@dataclass(frozen=True)
class PlannedList:
    """One list with its files."""

    declared: Declaration[ListSpec]
    files: tuple[PlannedFile, ...]

    @property
    def name(self) -> str:
        """``metadata.name`` of the document."""
        return self.declared.name

    @property
    def kind(self) -> Literal["block", "allow"]:
        """What a hit means."""
        return self.declared.spec.kind

    @property
    def format(self) -> Format:
        """How the files are written."""
        return self.declared.spec.format

    @property
    def guard(self) -> bool:
        """Whether an absurd version is held back."""
        return self.declared.spec.guard


def plan(
    lists: Sequence[Declaration[ListSpec]], downloads: DownloadStore
) -> tuple[PlannedList, ...]:
    """Looks at every file of every list, and at what was downloaded; changes nothing."""
    return tuple(
        PlannedList(
            one,
            (
                *(_inspect(path) for path in _paths(one)),
                *(_inspect_download(url, downloads) for url in dict.fromkeys(one.spec.urls)),
            ),
        )
        for one in lists
    )


def _paths(declared: Declaration[ListSpec]) -> Iterable[Path]:
    # The same file named twice is one file.
    return dict.fromkeys(declared.beside(file) for file in declared.spec.files)


def _inspect_download(url: str, downloads: DownloadStore) -> PlannedFile:
    path = downloads.path(url)
    if path.is_file():
        return _inspect(path)
    kept = downloads.load(url)
    why = f"cannot be downloaded: {kept.error}" if kept.error else "is not downloaded yet"
    return PlannedFile(path, None, f"{url} {why}")


def _inspect(path: Path) -> PlannedFile:
    try:
        return PlannedFile(path, contents_of(path))
    except OSError as error:
        return PlannedFile(path, None, f"{path} cannot be read: {error.strerror}")
    except ValueError as error:
        return PlannedFile(path, None, str(error))


def contents_of(path: Path) -> Contents:
    """The size of a file and the SHA-256 of what it holds.

    Raises OSError, and ValueError where it is larger than any list.
    """
    digest, octets = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            octets += len(chunk)
            if octets > MAX_LIST_FILE:
                raise ValueError(f"{path} is larger than {show_octets(MAX_LIST_FILE)}")
            digest.update(chunk)
    return Contents(digest.hexdigest(), octets)


def fingerprint(planned: Sequence[PlannedList], protected: Sequence[str]) -> str:
    """A hash over everything that decides what the compiled file holds."""
    facts = [
        sorted(protected),
        [
            [one.name, one.kind, one.format, one.guard, [_facts(file) for file in one.files]]
            for one in planned
        ],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _facts(file: PlannedFile) -> list[str | None]:
    return [str(file.path), file.contents.sha256 if file.contents else None]
