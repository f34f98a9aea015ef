"""A backup that is encrypted by a passphrase.

Header: magic word, cost, salt, the beginning of all nonces, and a code by which a wrong passphrase
is told from damage. Then pieces, each sealed with its number and with whether it is the last
(STREAM: Hoang, Reyhanitabar, Rogaway, Vizár 2015): none can be left out, moved or cut off.
"""

import hashlib
import hmac
import io
import os
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keyhole.control.backup.error import BackupError
from keyhole.model.units import show_octets

MIN_CHARACTERS = 12
_MAGIC = b"KEYHOLE SEALED 1"
_SALT, _PREFIX, _CODE, _TAG, _KEY = 16, 7, 32, 16, 32
_HEADER = len(_MAGIC) + 1 + _SALT + _PREFIX
_COST, _LEAST_COST, _MOST_COST = 17, 14, 18
"""Powers of two. 17 takes 128 MiB and half a second (RFC 7914 with r 8, p 1); the most keeps a file
of somebody else, which nothing vouches for yet, from taking more than 256 MiB."""
_PIECE = 64 * 1024


@contextmanager
def sealing(out: BinaryIO, passphrase: str | None) -> Iterator[BinaryIO]:
    """A file whose content is encrypted into ``out``; ``out`` itself without a passphrase. What was
    written can be opened only after the block has ended without an error."""
    if passphrase is None:
        yield out
        return
    writer = _Writer(out, passphrase)
    yield cast(BinaryIO, writer)
    writer.finish()


def opened_if_sealed(
    file: BinaryIO, name: str, ask: Callable[[], str], *, must_be: bool = False
) -> BinaryIO:
    """The content of a file that can be read twice, decrypted with what ``ask`` gives where it is
    encrypted. Raises `BackupError` here for a wrong passphrase, and while it is read for damage;
    with ``must_be`` also for a file that is not encrypted, which anybody can have written."""
    begin = file.read(_HEADER + _CODE)
    file.seek(0)
    if not begin.startswith(_MAGIC):
        if must_be:
            raise BackupError(
                f"{name} is not encrypted, so it is not what a backup with a passphrase wrote; "
                "if you trust it all the same, leave --passphrase-file out"
            )
        return file
    if len(begin) < _HEADER + _CODE:
        raise BackupError(f"{name} is cut short")
    header, code = begin[:_HEADER], begin[_HEADER:]
    cost = header[len(_MAGIC)]
    if not _LEAST_COST <= cost <= _MOST_COST:
        raise BackupError(f"{name} is damaged: no backup has such a header")
    key, own = _keys(ask(), header)
    if not hmac.compare_digest(own, code):
        raise BackupError(f"this is not the passphrase of {name}, or the beginning is damaged")
    return io.BufferedReader(_Reader(file, name, key, header))


def check_passphrase(passphrase: str) -> str:
    """The passphrase; raises `BackupError` for one that a program would guess."""
    if len(_octets(passphrase).decode()) < MIN_CHARACTERS:
        raise BackupError(
            f"the passphrase is too short: whoever has the file can try without end, so give at "
            f"least {MIN_CHARACTERS} characters, such as five words"
        )
    return passphrase


def _keys(passphrase: str, header: bytes) -> tuple[bytes, bytes]:
    """The key of the pieces, and the code of the header. Raises `BackupError`."""
    salt = header[len(_MAGIC) + 1 :][:_SALT]
    cost = 1 << header[len(_MAGIC)]
    try:
        kdf = Scrypt(salt=salt, length=2 * _KEY, n=cost, r=8, p=1)
        secret = kdf.derive(_octets(passphrase))
    except MemoryError:
        needed = show_octets(128 * 8 * cost)  # RFC 7914, section 2
        raise BackupError(f"a passphrase takes {needed} of memory, which are not free") from None
    return secret[:_KEY], hmac.digest(secret[_KEY:], header, hashlib.sha256)


def _octets(passphrase: str) -> bytes:
    """The same for all ways to write a letter: keyboards and systems differ in them (NFC)."""
    try:
        return unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError:
        raise BackupError(
            "the passphrase is not text in UTF-8: give one of letters, digits and spaces, or "
            "convert its file to UTF-8"
        ) from None


def _nonce(header: bytes, number: int, *, is_last: bool) -> bytes:
    return header[-_PREFIX:] + number.to_bytes(4, "big") + bytes([is_last])


class _Writer:
    def __init__(self, out: BinaryIO, passphrase: str) -> None:
        self._out = out
        self._header = _MAGIC + bytes([_COST]) + os.urandom(_SALT + _PREFIX)
        key, code = _keys(passphrase, self._header)
        self._cipher = ChaCha20Poly1305(key)
        self._number = 0
        self._waiting = bytearray()
        out.write(self._header + code)

    def write(self, octets: bytes) -> int:
        self._waiting += octets
        while len(self._waiting) > _PIECE:  # the last piece is never empty unless all is
            self._seal(_PIECE, is_last=False)
        return len(octets)

    def flush(self) -> None:
        """What waits for its piece stays."""

    def finish(self) -> None:
        self._seal(len(self._waiting), is_last=True)

    def _seal(self, octets: int, *, is_last: bool) -> None:
        piece = bytes(self._waiting[:octets])
        del self._waiting[:octets]
        nonce = _nonce(self._header, self._number, is_last=is_last)
        self._out.write(self._cipher.encrypt(nonce, piece, self._header))
        self._number += 1


class _Reader(io.RawIOBase):
    def __init__(self, file: BinaryIO, name: str, key: bytes, header: bytes) -> None:
        super().__init__()
        self._file = file
        self._name = name
        self._cipher = ChaCha20Poly1305(key)
        self._header = header
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        if (offset, whence) != (0, 0):
            raise io.UnsupportedOperation("only to the beginning")
        self._file.seek(_HEADER + _CODE)
        self._ahead = self._file.read(_PIECE + _TAG)
        self._number = self._place = 0
        self._open = memoryview(b"")
        self._is_over = False
        return 0

    def readinto(self, buffer: Any) -> int:
        if not self._open and not self._is_over:
            self._open_next()
        count = min(len(buffer), len(self._open))
        buffer[:count] = self._open[:count]
        self._open = self._open[count:]
        self._place += count
        return count

    def _open_next(self) -> None:
        sealed, self._ahead = self._ahead, self._file.read(_PIECE + _TAG)
        self._is_over = not self._ahead
        nonce = _nonce(self._header, self._number, is_last=self._is_over)
        try:
            piece = self._cipher.decrypt(nonce, sealed, self._header)
        except InvalidTag:
            raise BackupError(f"{self._name} is damaged or cut short") from None
        self._open = memoryview(piece)
        self._number += 1
