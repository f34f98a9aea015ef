"""Writes the members of a backup: a tar in gzip, with the digest of each member in the manifest."""

import gzip
import hashlib
import io
import os
import stat
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedReader
from typing import BinaryIO

from keyhole import __version__
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.manifest import FORMAT, HEADER, MANIFEST, Header, Manifest, Member
from keyhole.model.units import show_octets

MAX_OCTETS = 64 * 2**30
"""Octets of all files: what is larger is not restored, so it is not written either."""
MAX_MEMBERS = 500_000
_LEVEL = 6


class ArchiveWriter:
    """A backup that is being written to a file or pipe."""

    def __init__(self, tar: tarfile.TarFile, header: Header) -> None:
        self._tar = tar
        self._octets = 0
        self.header = header
        self.members: dict[str, Member] = {}
        self._add(HEADER, header.model_dump_json(indent=1).encode() + b"\n")

    def add_octets(self, name: str, octets: bytes, mode: int = 0o600) -> None:
        """Adds a file with this content."""
        self.add_open(name, io.BytesIO(octets), len(octets), mode)

    def add_file(self, name: str, file: BufferedReader) -> None:
        """Adds an open file as large as it is now; raises ``OSError``."""
        status = os.fstat(file.fileno())
        self.add_open(name, file, status.st_size, stat.S_IMODE(status.st_mode) & 0o777)

    def add_open(self, name: str, file: BinaryIO, octets: int, mode: int) -> None:
        """Adds so many octets of an open file."""
        if name in self.members:
            return
        self._octets += octets
        if self._octets > MAX_OCTETS or len(self.members) >= MAX_MEMBERS:
            raise BackupError(
                f"there are more than {show_octets(MAX_OCTETS)} or {MAX_MEMBERS} files, which "
                "could not be restored; back up without --with-history"
            )
        counted = _Hashing(file)
        self._add_open(name, counted, octets, mode)
        self.members[name] = Member(octets=octets, sha256=counted.digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Adds the manifest, which ends the backup."""
        self._add(MANIFEST, manifest.model_dump_json(indent=1).encode() + b"\n")

    def _add(self, name: str, octets: bytes) -> None:
        self._add_open(name, io.BytesIO(octets), len(octets), 0o600)

    def _add_open(self, name: str, file: "BinaryIO | _Hashing", octets: int, mode: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = octets, mode, int(self.header.time.timestamp())
        try:
            self._tar.addfile(info, file)
        except OSError as error:
            # The library says so without a number; the system always gives one.
            if error.errno is not None:
                raise
            raise BackupError(
                f"{name} became shorter while it was read; back up once more"
            ) from error
        # The library would keep them all.
        self._tar.members = []  # type: ignore[attr-defined]


class _Hashing:
    """A file whose octets are hashed as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, octets: int = -1) -> bytes:
        found = self._file.read(octets)
        self.digest.update(found)
        return found


@contextmanager
def writing(file: BinaryIO, header: Header) -> Iterator[ArchiveWriter]:
    """A backup in a file or pipe; the caller finishes it."""
    with (
        gzip.GzipFile("", "wb", _LEVEL, file, mtime=int(time.time())) as packed,
        tarfile.TarFile(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield ArchiveWriter(tar, header)


def new_header(now: datetime) -> Header:
    """The header of a backup that begins ``now``."""
    return Header(format=FORMAT, keyhole=__version__, time=now)
