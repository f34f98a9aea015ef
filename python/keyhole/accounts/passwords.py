"""Passwords: requirements and hashing (Argon2id, RFC 9106)."""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from keyhole.accounts.error import AccountError, BusyError

MIN_LENGTH, MAX_LENGTH = 12, 256
_MIN_DISTINCT = 5
# Each hash takes memory, so only this many run at once; others wait.
_MAX_CONCURRENT = 2
_WAIT_SECONDS = 10.0


class Passwords:
    """Hashes and verifies passwords with fixed Argon2id parameters.

    The defaults are the second recommendation of RFC 9106 section 4: 64 MiB, three passes.
    """

    def __init__(self, *, passes: int = 3, kibibytes: int = 64 * 1024, lanes: int = 4) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=kibibytes, parallelism=lanes, type=Type.ID
        )
        self._slots = threading.BoundedSemaphore(_MAX_CONCURRENT)
        self._dummy_hash: str | None = None

    def hash(self, password: str) -> str:
        """The hash of a password, which includes parameters and salt."""
        with self._slot():
            return self._hasher.hash(_plain(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password matches; takes the same time if there is no stored hash."""
        with self._slot():
            if self._dummy_hash is None:
                # Before the first verification, so that its time reveals nothing either.
                self._dummy_hash = self._hasher.hash("of an account that does not exist")
            try:
                self._hasher.verify(stored or self._dummy_hash, _plain(password))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters."""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=_WAIT_SECONDS):
            raise BusyError("too many passwords are being checked now; try again in a moment")
        try:
            yield
        finally:
            self._slots.release()


def check_new(password: str, name: str) -> None:
    """Raises `AccountError` for a weak password."""
    plain = _plain(password)
    if len(plain) < MIN_LENGTH:
        raise AccountError(f"the password is too short; take at least {MIN_LENGTH} characters")
    if len(plain) > MAX_LENGTH:
        raise AccountError(f"the password is too long; take at most {MAX_LENGTH} characters")
    if len(set(plain)) < _MIN_DISTINCT:
        raise AccountError("the password repeats a few characters; take several words")
    if len(name) > 2 and name.lower() in plain.lower():
        raise AccountError("the password contains the name of the account; take another one")


def _plain(password: str) -> str:
    # Normalized, since keyboards compose characters differently (NIST SP 800-63B 3.1.1.2).
    return unicodedata.normalize("NFC", password)
