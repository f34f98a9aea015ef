"""Checks the body that a list server sends: size, encoding and text."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from keyhole.lists.download.error import DownloadError
from keyhole.model.units import MIB, show_octets

MAX_LINE = MIB
MAX_RATIO = 200
"""Maximum ratio of decompressed to compressed size; real lists stay below 10."""
_STEP = 256 * 1024
_PART = 4 * 1024
_HTML = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<script")


def decompressed(chunks: Iterable[bytes], max_octets: int) -> Iterator[bytes]:
    """Decompresses gzip in steps of bounded size; raises `DownloadError` where the ratio is too
    high, or the data is not gzip or cut off.

    The data may consist of several members, whose texts follow each other (RFC 1952 section 2.2).
    """
    stream = _new_member()
    sent = given = 0
    is_first = True
    for rest in _in_parts(chunks):
        sent += len(rest)
        while rest:
            if stream.eof:
                # Zeros behind a member are padding, as gzip itself takes them.
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                stream, is_first = _new_member(), False
            step = _decompress(stream, rest, is_first=is_first)
            given += len(step)
            if given > max_octets or given > max(MIB, sent * MAX_RATIO):
                raise DownloadError("it is far too large after decompression")
            yield step
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
    yield stream.flush()
    if not stream.eof:
        raise DownloadError("its gzip data is cut off")


def _in_parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Parts so small that copying what follows a member costs little, however many there are."""
    for chunk in chunks:
        for begin in range(0, len(chunk), _PART):
            yield chunk[begin : begin + _PART]


def _new_member() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _decompress(stream: Any, octets: bytes, *, is_first: bool) -> bytes:
    try:
        step: bytes = stream.decompress(octets, _STEP)
    except zlib.error:
        why = (
            "it is not gzip, although its headers say so"
            if is_first
            else "something that is not gzip follows its gzip data"
        )
        raise DownloadError(why) from None
    return step


@dataclass
class ListWriter:
    """Writes a list to a file and checks its content."""

    file: BinaryIO
    max_octets: int
    octets: int = 0
    _line: int = 0
    _begin: bytes = b""
    _digest: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """The digest of the written octets."""
        word: str = self._digest.hexdigest()
        return word

    def write(self, chunk: bytes) -> None:
        """Writes a chunk; raises `DownloadError` where it cannot be part of a list."""
        self.octets += len(chunk)
        if self.octets > self.max_octets:
            raise DownloadError(
                f"it is larger than {show_octets(self.max_octets)} (downloads.size)"
            )
        self._check_lines(chunk)
        if len(self._begin) < 512:
            self._begin += chunk[:512]
            self._check_begin()
        self._digest.update(chunk)
        self.file.write(chunk)

    def end(self) -> None:
        """Raises `DownloadError` where the list is empty."""
        if not self._begin.strip():
            raise DownloadError("it is empty")

    def _check_lines(self, chunk: bytes) -> None:
        first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
        # Chunks are smaller than the longest line, so no line inside of one can be too long.
        self._line += len(chunk) if first < 0 else first
        if self._line > MAX_LINE:
            raise DownloadError(f"it has a line longer than {show_octets(MAX_LINE)}")
        if last >= 0:
            self._line = len(chunk) - last - 1

    def _check_begin(self) -> None:
        begin = self._begin.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if begin.startswith(_HTML):
            raise DownloadError("it is a web page, not a list")
        if b"\0" in begin:
            raise DownloadError("it is not text")
