"""Reads untrusted archives entry by entry into memory.

No entry name is ever used as a path: callers ask for entries by names from their own code. An
entry that is damaged, or that no export has, is left; the others are read.
"""

import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from keyhole.importers.error import ImporterError
from keyhole.importers.limits import (
    MAX_ARCHIVE,
    MAX_DIRECTORY,
    MAX_ENTRIES,
    MAX_ENTRY,
    MAX_RATIO,
    MAX_UNPACKED,
)
from keyhole.model.units import MIB, show_octets
from keyhole.system.regular_file import read_regular
from keyhole.system.tar_header import BoundedHeader

_END, _END_OF_LARGE = b"PK\x05\x06", b"PK\x06\x07"
_END_LENGTH, _COMMENT = 22, 65_535
_GZIP, _TAR, _TAR_AT = b"\x1f\x8b", b"ustar", 257
_CHUNK = 64 * 1024
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError,
    NotImplementedError, ValueError,
)  # fmt: skip

Omit = Callable[[str, str], None]
"""Reports an entry that is not read: its name, and why."""


class Archive:
    """An archive's entries by name; they are unpacked when they are read."""

    def __init__(self, names: list[str], read: Callable[[str], bytes], leave: Omit) -> None:
        self.names = names
        self._read = read
        self._leave = leave

    def read(self, name: str, max_octets: int = MAX_ENTRY) -> bytes | None:
        """The content of an entry; none where there is no such entry, or it cannot be read."""
        if name not in self.names:
            return None
        try:
            octets = self._read(name)
        except ImporterError as error:
            self._leave(name, str(error))
            return None
        except _DAMAGED as error:
            self._leave(name, f"it is damaged: {error}")
            return None
        if len(octets) > max_octets:
            self._leave(name, f"it is larger than {show_octets(max_octets)}; no export is")
            return None
        return octets


def open_files(files: dict[str, Path], leave: Omit) -> Archive:
    """Files of this machine as an archive, by the names that it is to have; together they may have
    as many octets as the entries of an archive."""

    left = MAX_UNPACKED

    def read(name: str) -> bytes:
        nonlocal left
        try:
            octets = read_regular(files[name], min(MAX_ENTRY, left))
        except OSError as error:
            raise ImporterError(f"it cannot be read: {error.strerror}") from None
        left -= len(octets)
        return octets

    return Archive(list(files), read, leave)


def files_below(folder: Path, deepest: int, leave: Omit) -> dict[str, Path]:
    """The regular files of a folder and of the folders in it, by their paths there; links are not
    followed. Raises `ImporterError` where there are too many."""
    found: dict[str, Path] = {}
    for path, folders, names in os.walk(folder):
        here = Path(path).relative_to(folder)
        if len(here.parts) >= deepest:
            folders.clear()
        for name in sorted(names):
            file = Path(path, name)
            if file.is_symlink() or not file.is_file():
                leave((here / name).as_posix(), "it is not a regular file")
            else:
                found[(here / name).as_posix()] = file
        if len(found) > MAX_ENTRIES:
            raise ImporterError(f"{folder} has more than {MAX_ENTRIES:,} files; name another one")
    return found


@contextmanager
def open_zip(file: Path, leave: Omit) -> Iterator[Archive]:
    """Opens a zip; raises `ImporterError` where it is not a zip or exceeds a limit."""
    check_size(file, MAX_ARCHIVE)
    with file.open("rb") as octets:
        _check_directory(octets, file)
        try:
            with zipfile.ZipFile(octets) as opened:
                infos = _safe_entries(opened, file, leave)
                budget = [MAX_UNPACKED]
                read = lambda name: _unpack(opened, infos[name], budget)  # noqa: E731
                yield Archive(list(infos), read, leave)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise ImporterError(f"{file.name} is a damaged zip: {error}") from error


@contextmanager
def open_tar(file: Path, leave: Omit, wanted: Callable[[str], bool]) -> Iterator[Archive]:
    """Opens a tar or tar.gz and reads at once every entry whose name is ``wanted``.

    Of an archive that was cut off, what stands before the cut is read. Raises `ImporterError`
    where that is nothing.
    """
    check_size(file, MAX_ARCHIVE)
    names: list[str] = []
    found: dict[str, bytes] = {}
    try:
        with _unpacked(file) as unpacked:
            limited = _LimitedStream(cast(IO[bytes], unpacked), file)
            for name, content in _tar_entries(cast(IO[bytes], limited), wanted, file, leave):
                names.append(name)
                if content is not None:
                    found[name] = content
    except ImporterError as error:
        if not found:
            raise
        leave(file.name, f"only what stands before was read: {error}")
    except _DAMAGED as error:
        if not found:
            raise ImporterError(f"{file.name} is a damaged tar: {error}") from error
        leave(file.name, f"it is damaged, and only what stands before was read: {error}")
    yield Archive(names, lambda name: found.get(name, b""), leave)


def _unpacked(file: Path) -> gzip.GzipFile | BinaryIO:
    with file.open("rb") as octets:
        is_packed = octets.read(len(_GZIP)) == _GZIP
    return gzip.open(file, "rb") if is_packed else file.open("rb")


def is_tar(file: Path) -> bool:
    """Whether it is a tar, as it is or packed with gzip."""
    with file.open("rb") as octets:
        begin = octets.read(_TAR_AT + len(_TAR))
    return begin.startswith(_GZIP) or begin[_TAR_AT:] == _TAR


def check_size(file: Path, max_octets: int) -> None:
    """Raises `ImporterError` where there is no such file, or it is larger than the limit."""
    if not file.is_file():
        raise ImporterError(f"{file} is not a file")
    size = file.stat().st_size
    if size > max_octets:
        raise ImporterError(
            f"{file.name} has {show_octets(size)}; more than {show_octets(max_octets)} is not read"
        )


def _check_directory(octets: IO[bytes], file: Path) -> None:
    """Checks the end record before zipfile does, which would read a directory of any size."""
    end = octets.seek(0, 2)
    octets.seek(max(0, end - _END_LENGTH - _COMMENT))
    tail = octets.read()
    at = tail.rfind(_END)
    record = tail[at : at + _END_LENGTH] if at >= 0 else b""
    octets.seek(0)
    # zipfile prefers the ZIP64 end record, which may announce other sizes.
    if tail[max(0, at - 20) : at].startswith(_END_OF_LARGE):
        raise ImporterError(f"{file.name} is a ZIP64 archive; no export is")
    if len(record) < _END_LENGTH:
        raise ImporterError(f"{file.name} is not a zip, or was cut off")
    entries = int.from_bytes(record[10:12], "little")
    directory = int.from_bytes(record[12:16], "little")
    if entries > MAX_ENTRIES or directory > MAX_DIRECTORY:
        raise ImporterError(
            f"{file.name} announces {entries} entries; no export has more than {MAX_ENTRIES}"
        )


def _safe_entries(opened: zipfile.ZipFile, file: Path, leave: Omit) -> dict[str, zipfile.ZipInfo]:
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in opened.infolist():
        mode = info.external_attr >> 16
        is_plain = not stat.S_IFMT(mode) or stat.S_ISREG(mode) or stat.S_ISDIR(mode)
        # Some programs for Windows pack with its separator, which the format forbids.
        name = info.filename.replace("\\", "/")
        if why := _refusal(name, is_plain=is_plain, seen=infos):
            leave(_shown(info.filename), why)
        elif not name.endswith("/"):
            infos[name] = info
        if len(infos) > MAX_ENTRIES:
            raise ImporterError(f"{file.name} has more than {MAX_ENTRIES} entries; no export has")
    return infos


def _refusal(name: str, *, is_plain: bool, seen: Container[str]) -> str:
    """Why an entry is not read; empty where it may be."""
    parts = PurePosixPath(name).parts
    if "\\" in name or ":" in name or "\0" in name or name.startswith("/") or ".." in parts:
        return "its path is unsafe; no export has one, so do not trust this file"
    if not is_plain:
        return "it is not a regular file"
    return "it is in the archive twice; the first one is read" if name in seen else ""


def _unpack(opened: zipfile.ZipFile, info: zipfile.ZipInfo, budget: list[int]) -> bytes:
    if info.flag_bits & 1:
        raise ImporterError(f"{_shown(info.filename)} is encrypted; export it without a password")
    if info.compress_type not in _READABLE:
        raise ImporterError(f"{_shown(info.filename)} has a compression method that no export uses")
    max_octets = min(MAX_ENTRY, budget[0], max(MIB, info.compress_size * MAX_RATIO))
    pieces: list[bytes] = []
    size = 0
    with opened.open(info) as unpacked:
        while piece := unpacked.read(_CHUNK):
            size += len(piece)
            if size > max_octets:
                raise ImporterError(
                    f"{_shown(info.filename)} unpacks to more than {show_octets(max_octets)}; "
                    "no export does"
                )
            pieces.append(piece)
    budget[0] -= size
    return b"".join(pieces)


class _LimitedStream:
    """A stream that raises `ImporterError` where it yields more than the limits allow."""

    def __init__(self, octets: IO[bytes], file: Path) -> None:
        self._octets = octets
        self._file = file
        self._size = 0

    def read(self, size: int = -1) -> bytes:
        max_octets = min(max(MIB, self._file.stat().st_size * MAX_RATIO), MAX_UNPACKED)
        left = max_octets + 1 - self._size
        piece = self._octets.read(left if size < 0 else min(size, left))
        self._size += len(piece)
        if self._size > max_octets:
            raise ImporterError(
                f"{self._file.name} unpacks to more than {show_octets(max_octets)}; no export does"
            )
        return piece


def _tar_entries(
    octets: IO[bytes], wanted: Callable[[str], bool], file: Path, leave: Omit
) -> Iterator[tuple[str, bytes | None]]:
    """The name of each regular entry, and the content of those that are wanted."""
    seen: set[str] = set()
    with tarfile.open(fileobj=octets, mode="r|", tarinfo=BoundedHeader) as opened:
        for count, member in enumerate(opened):
            if count >= MAX_ENTRIES:
                raise ImporterError(f"{file.name} has more than {MAX_ENTRIES} entries; none has")
            name = member.name.removeprefix("./")
            is_plain = member.isreg() or member.isdir()
            if why := _refusal(name, is_plain=is_plain, seen=seen):
                leave(_shown(name), why)
            elif member.isreg():
                seen.add(name)
                if not wanted(name):
                    yield name, None
                elif why := _not_taken(member):
                    leave(_shown(name), why)
                elif (content := opened.extractfile(member)) is not None:
                    yield name, content.read(member.size)


def _not_taken(member: tarfile.TarInfo) -> str:
    """Why a wanted entry is not unpacked; empty where it is. What a header says costs a sender
    nothing, and the library fills the holes of a sparse file."""
    if member.issparse():
        return "it is a sparse file; pack it without holes (GNU tar does without --sparse)"
    if member.size > MAX_ENTRY:
        return f"it is larger than {show_octets(MAX_ENTRY)}; no export is"
    return ""


def _shown(name: str) -> str:
    return ascii(name[:100])
