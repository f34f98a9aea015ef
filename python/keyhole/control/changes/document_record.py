"""The current documents: those declared in files, and those stored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from keyhole.config.documents import read_text_documents
from keyhole.config.files import Source, copies, read_copies, read_text, sources
from keyhole.config.parsed import Kept
from keyhole.config.yaml_stream import split_stream
from keyhole.control.declared import KUBERNETES_FILE
from keyhole.errors import Problem
from keyhole.store import Version


@dataclass(frozen=True)
class DocumentRecord:
    """One document and its origin."""

    kind: str
    name: str
    origin: Literal["declared", "stored"]
    text: str
    file: str = ""
    """The file that declares it, relative to the folder, or the object of Kubernetes; empty if
    stored."""
    line: int = 0
    version: int = 0
    """The version from 1 if stored; 0 if declared."""
    change: int = 0
    """The number of the change that made this version; 0 if declared."""
    is_shadowed: bool = False
    """Whether a file declares a document of this kind and name, so that this one has no effect."""

    @property
    def label(self) -> str:
        """Kind and name, such as ``Policy/base``."""
        return f"{self.kind}/{self.name}"

    @property
    def is_in_kubernetes(self) -> bool:
        """Whether it is an object of Kubernetes, and no file."""
        return self.file.startswith(KUBERNETES_FILE)

    @property
    def place(self) -> str:
        """Its file and line, its object in Kubernetes, or its version, for messages."""
        if self.is_in_kubernetes:
            return self.file
        return f"{self.file}:{self.line}" if self.file else f"version {self.version}"


FileRecords = tuple[DocumentRecord, ...]
"""The documents of one file."""


def declared_documents(folders: Iterable[Path]) -> tuple[list[DocumentRecord], list[Problem]]:
    """The documents that folders declare, valid or not, and their syntax errors."""
    files, problems = declared_files(folders)
    return [one for file in files for one in file], problems


def declared_files(folders: Iterable[Path]) -> tuple[tuple[FileRecords, ...], list[Problem]]:
    """The same by file; a file that has not changed gives the same tuple again."""
    records: list[FileRecords] = []
    problems: list[Problem] = []
    for folder in folders:
        for source, text, wrong in _texts(folder):
            problems += wrong
            if source is not None:
                records.append(_in_file(source, text))
    return tuple(records), problems


def _texts(folder: Path) -> Iterator[tuple[Source | None, str, list[Problem]]]:
    try:
        copied = read_copies(folder)
        pairs = None if copied is None else copies(copied)
    except (OSError, ValueError, TypeError):
        pairs = []  # whoever compiles it says so
    if pairs is not None:
        yield from ((Source(folder / name, name), text, []) for name, text in pairs)
        return
    files, problems = sources(folder)
    yield None, "", problems
    for source in files:
        text, wrong = read_text(source)
        yield source, text, wrong


_KEPT: Kept[FileRecords] = Kept()


def _in_file(source: Source, text: str) -> FileRecords:
    def read() -> FileRecords:
        return tuple(_read_file(source, text))

    return _KEPT.get(text, read, source.name) or ()


def _read_file(source: Source, text: str) -> Iterator[DocumentRecord]:
    for part in split_stream(text):
        documents, _ = read_text_documents(part.text, source.name, source.path.parent)
        for heading in documents.headings[:1]:
            line = part.line + heading.line - 1
            yield DocumentRecord(
                heading.kind, heading.name, "declared", part.text, source.name, line
            )


def merged(
    by_file: list[DocumentRecord], versions: dict[tuple[str, str], Version]
) -> list[DocumentRecord]:
    """All documents by kind and name; a stored one that a file also declares is shadowed."""
    names = {(one.kind, one.name) for one in by_file}
    stored = [
        replace(_stored(version), is_shadowed=key in names) for key, version in versions.items()
    ]
    return sorted([*by_file, *stored], key=lambda one: (one.kind, one.name, one.origin))


def _stored(version: Version) -> DocumentRecord:
    return DocumentRecord(
        version.kind,
        version.name,
        "stored",
        version.text,
        version=version.version,
        change=version.change,
    )
