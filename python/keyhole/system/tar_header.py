"""Reads the headers of a tar that somebody else may have made in bounded memory."""

import tarfile
from typing import Any, Self

MAX_HEADER = 1024 * 1024
"""Octets of all headers of one member. Names and times have a few KiB."""


class BoundedHeader(tarfile.TarInfo):
    """A member of whose headers no more than `MAX_HEADER` is read.

    The library believes the size that an extended header claims, and keeps maps of sparse files of
    any length. Raises `tarfile.ReadError` beyond the limit. Give it as ``tarinfo`` to
    `tarfile.open`.
    """

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """The next member; for a member with extended headers the library calls it again."""
        reader: Any = tarfile
        whole = reader.fileobj
        if isinstance(whole, _Bounded):
            return super().fromtarfile(tarfile)
        reader.fileobj = _Bounded(whole)
        try:
            return super().fromtarfile(tarfile)
        finally:
            reader.fileobj = whole


class _Bounded:
    """The file of a tar while the headers of one member are read."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = MAX_HEADER

    def read(self, octets: int) -> bytes:
        if not 0 <= octets <= self._left:
            raise tarfile.ReadError(f"a header claims {octets} octets")
        self._left -= octets
        piece: bytes = self._file.read(octets)
        return piece

    def tell(self) -> int:
        at: int = self._file.tell()
        return at
