"""Reads a backup that somebody else may have made: nothing in it is trusted.

Only regular files below three folders are taken. What an archive can hold beyond that, such as
links, devices, absolute paths and names that lead upwards, ends the reading.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from keyhole.control.backup.archive import MAX_MEMBERS, MAX_OCTETS
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.manifest import (
    HEADER,
    MANIFEST,
    MAX_HEADER,
    MAX_MANIFEST,
    ROOTS,
    Header,
    Manifest,
    Member,
    check_paths,
    read_header,
    read_manifest,
)
from keyhole.model.units import show_octets
from keyhole.system.regular_file import open_regular
from keyhole.system.tar_header import BoundedHeader

CHUNK = 256 * 1024
_MAX_READ = 1024 * 1024
"""The library reads headers in one go, and believes the size that they claim."""
_MAX_PATH, _MAX_NAME, _MAX_PADDING = 4096, 255, 1024 * 1024
_DAMAGED = (
    *(tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile),
    # The library meets some nonsense with these.
    *(ValueError, KeyError, OverflowError, RecursionError),
)

Take = Callable[[str, int, Iterator[bytes]], None]
"""Takes a member: its name, its mode, and its content in pieces."""


def check_backup(file: Path) -> Manifest:
    """Reads all of a backup and writes nothing. Raises `BackupError`."""
    with opened(file) as archive:
        return read_backup(archive, str(file))


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """The open file. Raises `BackupError`."""
    try:
        found = open_regular(file)
    except OSError as error:
        raise BackupError(f"cannot read {file}: {error.strerror}") from error
    with found:
        yield found


def read_backup(file: BinaryIO, name: str, take: Take | None = None) -> Manifest:
    """Reads and checks every member, and hands it over; the manifest comes last, so whoever takes
    members uses none of them before this returns. Raises `BackupError`."""
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            bounded = _Bounded(packed)
            with tarfile.TarFile(fileobj=bounded, tarinfo=BoundedHeader) as tar:  # type: ignore[arg-type]
                manifest = _read(tar, name, take)
            if len(packed.read(_MAX_PADDING + 1)) > _MAX_PADDING:
                raise BackupError(f"{name} goes on after its end")
    except _DAMAGED as error:
        if isinstance(error, gzip.BadGzipFile) and "Not a gzipped" in str(error):
            raise BackupError(
                f"{name} is not a backup of Keyhole, or it is encrypted: decrypt it first"
            ) from error
        raise BackupError(f"{name} is damaged or cut short: {error}") from error
    except OSError as error:
        raise BackupError(f"cannot read {name}: {error.strerror or error}") from error
    return manifest


class _Bounded:
    """An unpacked file of which at most so much is read at once."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def read(self, octets: int = -1) -> bytes:
        if not 0 <= octets <= _MAX_READ:
            raise tarfile.ReadError(f"a header claims {octets} octets")
        return self._file.read(octets)

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0 or offset < self._file.tell():
            raise tarfile.ReadError("a member lies before the one before it")
        return self._file.seek(offset)

    def tell(self) -> int:
        return self._file.tell()


def _read(tar: tarfile.TarFile, name: str, take: Take | None) -> Manifest:
    header = _read_header(tar, name)
    found: dict[str, Member] = {}
    total = 0
    while (info := _next(tar)) is not None:
        _check(info, name)
        if info.name == MANIFEST:
            manifest = read_manifest(_whole(tar, info, MAX_MANIFEST), name)
            if tar.next() is not None:
                raise BackupError(f"{name} goes on after its manifest")
            _compare(manifest, found, header.model_dump(), name)
            return manifest
        total += info.size
        if total > MAX_OCTETS or len(found) >= MAX_MEMBERS:
            raise BackupError(
                f"{name} holds more than {show_octets(MAX_OCTETS)} or {MAX_MEMBERS} files"
            )
        if info.name in found:
            raise BackupError(f"{name} holds {_shown(info.name)} twice")
        found[info.name] = _read_member(tar, info, take)
    raise BackupError(f"{name} is cut short: it has no manifest")


def _read_header(tar: tarfile.TarFile, name: str) -> Header:
    info = _next(tar)
    if info is None or info.name != HEADER or not _is_plain(info):
        raise BackupError(f"{name} is not a backup of Keyhole; give a file of keyhole backup")
    return read_header(_whole(tar, info, MAX_HEADER), name)


def _read_member(tar: tarfile.TarFile, info: tarfile.TarInfo, take: Take | None) -> Member:
    digest = hashlib.sha256()
    pieces = _pieces(tar, info, digest.update)
    if take is None:
        for _ in pieces:
            pass
    else:
        take(info.name, info.mode & 0o777, pieces)
    return Member(octets=info.size, sha256=digest.hexdigest())


def _next(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
    info = tar.next()
    # The library would keep them all.
    tar.members = []  # type: ignore[attr-defined]
    return info


def _compare(
    manifest: Manifest, found: dict[str, Member], header: dict[str, object], name: str
) -> None:
    if manifest.model_dump(include=set(header)) != header:
        raise BackupError(f"{name} is damaged: header and manifest differ")
    if manifest.members != found:
        wrong = sorted(
            one
            for one in {*manifest.members, *found}
            if manifest.members.get(one) != found.get(one)
        )
        raise BackupError(f"{name} is damaged: {_shown(wrong[0])} is not what was written")
    check_paths(manifest, name)


def _is_plain(info: tarfile.TarInfo) -> bool:
    return info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and info.sparse is None


def _check(info: tarfile.TarInfo, name: str) -> None:
    if not _is_plain(info):
        raise BackupError(f"{name} holds {_shown(info.name)}, which is not a regular file")
    if info.mode & ~0o777:
        raise BackupError(f"{name} holds {_shown(info.name)} with special rights")
    if info.name == MANIFEST:
        return
    parts = info.name.split("/")
    is_fine = (
        parts[0] in ROOTS
        and len(parts) > 1
        and len(info.name.encode(errors="replace")) <= _MAX_PATH
        and all(one not in ("", ".", "..") and "\0" not in one for one in parts)
        and all(len(one.encode(errors="replace")) <= _MAX_NAME for one in parts)
    )
    if not is_fine:
        raise BackupError(f"{name} holds the name {_shown(info.name)}, which no backup has")


def _whole(tar: tarfile.TarFile, info: tarfile.TarInfo, most: int) -> bytes:
    if info.size > most:
        raise tarfile.ReadError(f"{info.name} is larger than {show_octets(most)}")
    return b"".join(_pieces(tar, info, lambda piece: None))


def _pieces(
    tar: tarfile.TarFile, info: tarfile.TarInfo, look: Callable[[bytes], object]
) -> Iterator[bytes]:
    file: IO[bytes] | None = tar.extractfile(info)
    left = info.size
    while file is not None and left:
        piece = file.read(min(left, CHUNK))
        if not piece:
            raise EOFError(f"{info.name} is cut short")
        left -= len(piece)
        look(piece)
        yield piece


def _shown(text: str) -> str:
    return repr(text[:200])
