"""Finds and reads files of documents, bounded in number and size."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keyhole.errors import Problem
from keyhole.model.units import MIB, show_octets
from keyhole.system.regular_file import open_regular

MAX_FILE = 1 * MIB
MAX_FILES = 1000
MAX_COPIES = 100_000
"""Files in a folder of copied documents, which has one for each document."""
EXTENSIONS = (".yaml", ".yml")
BESIDE = ".beside"
"""The name of a link in a folder of copied documents: it leads to the base of their paths."""


COPY = "documents.json"
"""The name of the file in a folder of copied documents that holds them: a list of pairs, the name
of each document's file and its text. One file is read and written in one go, however many
documents there are."""


@dataclass(frozen=True)
class Source:
    """A file to read: its path, and its name in messages."""

    path: Path
    name: str
    base: Path | None = None
    """The base of relative paths in the file; none for its own folder."""
    is_confined: bool = False
    """Whether it came by API: then its documents name only regular files below the base."""

    @property
    def folder(self) -> Path:
        """The folder to which paths in the file are relative."""
        return self.base or self.path.absolute().parent

    def problem(self, why: str, line: int = 0) -> Problem:
        """A problem of the file as a whole."""
        return Problem(self.name, line, "", "", why)


def sources(path: Path) -> tuple[list[Source], list[Problem]]:
    """The files of a folder, sorted by name, or the one file that ``path`` is.

    The link :data:`BESIDE` in a folder leads to the base of relative paths in its files.

    In a folder only ``.yaml`` and ``.yml`` count. Symbolic links and names that begin with a dot
    are skipped there: editors and config maps use both for second copies. ``path`` itself may be
    a link.
    """
    if not path.exists():
        return [], [Problem(str(path), 0, "", "", "there is no such file or folder")]
    if not path.is_dir():
        return [Source(path, path.name)], []
    try:
        found = list(_each_once(sorted(_documents_in(path))))
    except OSError as error:
        return [], [Problem(str(path), 0, "", "", f"cannot read the folder: {error.strerror}")]
    problems = []
    link = path / BESIDE
    # Only the copy of stored documents has this link, and documents are stored by API alone.
    base = link.resolve() if link.is_symlink() else None
    most = MAX_FILES if base is None else MAX_COPIES
    if len(found) > most:
        why = f"{len(found)} files are too many; put more documents into one file (at most "
        problems = [Problem(str(path), 0, "", "", f"{why}{most} files)")]
    return [
        Source(one, str(one.relative_to(path)), base, is_confined=base is not None)
        for one in found[:most]
    ], problems


def _each_once(files: list[Path]) -> Iterator[Path]:
    """Without further names of a file, by hard links."""
    seen: set[tuple[int, int]] = set()
    for file in files:
        status = file.stat()
        if status.st_nlink == 1 or (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            yield file


def _documents_in(folder: Path) -> Iterator[Path]:
    # Scanned, because the kind of each entry then needs no further call.
    with os.scandir(folder) as entries:
        for one in entries:
            if one.name.startswith(".") or one.is_symlink():
                continue
            if one.is_dir():
                yield from _documents_in(Path(one.path))
            elif one.name.endswith(EXTENSIONS) and one.is_file():
                yield Path(one.path)


def read_copies(folder: Path) -> str | None:
    """The text of the file with the documents of a folder of copies; none for another folder."""
    if not (folder / BESIDE).is_symlink():
        return None
    try:
        with open_regular(folder / COPY) as file:
            return file.read().decode("utf-8", "surrogatepass")
    except FileNotFoundError:
        return None  # made by an earlier version: a file for each document


def copies(text: str) -> list[tuple[str, str]]:
    """The name and the text of each document in the file of `read_copies`; raises ValueError."""
    return [(str(name), str(one)) for name, one in json.loads(text)]


def read_text(source: Source) -> tuple[str, list[Problem]]:
    """The text of a file, which is UTF-8 and of bounded size."""
    try:
        with open_regular(source.path) as file:
            octets = file.read(MAX_FILE + 1)
    except OSError as error:
        return "", [source.problem(f"cannot be read: {error.strerror}")]
    if len(octets) > MAX_FILE:
        return "", [
            source.problem(
                f"larger than {show_octets(MAX_FILE)}; put many names into the file of a List"
            )
        ]
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", [source.problem("written in UTF-16; save it as UTF-8")]
    try:
        return octets.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        why = f"the octet 0x{octets[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return "", [source.problem(why, line)]
