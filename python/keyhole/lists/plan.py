"""Plans a compilation: the files of each list, and their present contents."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from keyhole.config.declaration import Declaration
from keyhole.lists.download_store import DownloadStore
from keyhole.lists.entry_files import EntryFiles
from keyhole.lists.services_file import rules_of
from keyhole.model.list import Format, ListSpec
from keyhole.model.units import MIB, show_octets
from keyhole.system.regular_file import open_regular

MAX_LIST_FILE = 512 * MIB
_CHUNK = 1 * MIB
COMPILER = 4
"""The version of what the core makes of the same lines: with a new one, everything is compiled
again, and counts of entries are not compared with those of the version before."""


@dataclass(frozen=True)
class Contents:
    """Digest and size of a file when it was read."""

    sha256: str
    octets: int


@dataclass(frozen=True)
class PlannedFile:
    """A file of a list.

    ``contents`` is none where the file cannot be used, and ``error`` says why.
    """

    path: Path
    contents: Contents | None
    error: str = ""
    is_entries: bool = False
    """Whether its lines stand in the document; then the path is one of the state folder."""


@dataclass(frozen=True)
class PlannedList:
    """A list with its files."""

    declared: Declaration[ListSpec]
    files: tuple[PlannedFile, ...]

    @property
    def name(self) -> str:
        """``metadata.name`` of the document."""
        return self.declared.name

    @property
    def kind(self) -> Literal["block", "allow"]:
        """The effect of a match."""
        return self.declared.spec.kind

    @property
    def format(self) -> Format:
        """The format of the files."""
        return "adblock" if self.declared.spec.services else self.declared.spec.format

    @property
    def guard(self) -> bool:
        """Whether implausible versions are held back."""
        return self.declared.spec.guard


def plan(
    lists: Sequence[Declaration[ListSpec]], downloads: DownloadStore, entries: EntryFiles
) -> tuple[PlannedList, ...]:
    """Reads every file of every list, and the downloads; writes the entries that stand in
    documents into files."""
    return tuple(
        PlannedList(
            one,
            (
                *_own_entries(one, entries),
                *(_of_services(one, file, entries) for file in _sources(one, downloads)),
            ),
        )
        for one in lists
    )


def _own_entries(declared: Declaration[ListSpec], entries: EntryFiles) -> Iterable[PlannedFile]:
    if declared.spec.entries is not None:
        file = _inspect(entries.write(declared.name, declared.spec.entries))
        yield replace(file, is_entries=True)


def _sources(declared: Declaration[ListSpec], downloads: DownloadStore) -> Iterable[PlannedFile]:
    yield from _named_files(declared)
    yield from (_inspect_download(url, downloads) for url in dict.fromkeys(declared.spec.urls))


def _of_services(
    declared: Declaration[ListSpec], file: PlannedFile, entries: EntryFiles
) -> PlannedFile:
    """The file itself or, for a list that names services, a file with their rules."""
    services = declared.spec.services
    if not services or file.contents is None:
        return file
    try:
        rules = rules_of(file.path, services)
    except OSError as error:
        return PlannedFile(file.path, None, f"{file.path} cannot be read: {error.strerror}")
    except ValueError as error:
        return PlannedFile(file.path, None, str(error))
    return replace(_inspect(entries.write(declared.name, rules)), is_entries=True)


def _named_files(declared: Declaration[ListSpec]) -> Iterable[PlannedFile]:
    found: dict[Path, PlannedFile] = {}  # a file that is named twice counts once
    for file in declared.spec.files:
        try:
            path = declared.path_of(file)
        except ValueError as error:
            path = declared.watched(file)
            found[path] = PlannedFile(path, None, str(error))
        else:
            found.setdefault(path, _inspect(path))
    return found.values()


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
    """Digest and size of a file.

    Raises OSError, and ValueError where it exceeds ``MAX_LIST_FILE``.
    """
    digest, octets = hashlib.sha256(), 0
    with open_regular(path) as file:
        while chunk := file.read(_CHUNK):
            octets += len(chunk)
            if octets > MAX_LIST_FILE:
                raise ValueError(f"{path} is larger than {show_octets(MAX_LIST_FILE)}")
            digest.update(chunk)
    return Contents(digest.hexdigest(), octets)


def fingerprint(planned: Sequence[PlannedList], protected: Sequence[str]) -> str:
    """A hash of everything that determines the compiled file."""
    facts = [
        COMPILER,
        sorted(protected),
        [
            [one.name, one.kind, one.format, one.guard, [_facts(file) for file in one.files]]
            for one in planned
        ],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _facts(file: PlannedFile) -> list[str | None]:
    path = file.path.name if file.is_entries else str(file.path)
    return [path, file.contents.sha256 if file.contents else None]
