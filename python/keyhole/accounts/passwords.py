"""Passwords: what one has to be, and how it is kept (Argon2id, RFC 9106)."""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from keyhole.accounts.error import AccountError, BusyError

MIN_LENGTH, MAX_LENGTH = 12, 256
_MIN_DISTINCT = 5
# Each check takes memory: so many at once, and the others wait their turn.
_MAX_CONCURRENT = 2
_WAIT_SECONDS = 10.0


class Passwords:
    """Keeps and checks passwords with the parameters of the server; nobody else can set them.

    The defaults are the second recommendation of RFC 9106 section 4: 64 MiB, three passes.
    """

    def __init__(self, *, passes: int = 3, kibibytes: int = 64 * 1024, lanes: int = 4) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=kibibytes, parallelism=lanes, type=Type.ID
        )
        self._turns = threading.BoundedSemaphore(_MAX_CONCURRENT)
        self._nobody: str | None = None

    def keep(self, password: str) -> str:
        """What is kept of a password; parameters and salt stand in it."""
        with self._turn():
            return self._hasher.hash(_plain(password))

    def is_right(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; takes as long where there is none to compare with."""
        with self._turn():
            if self._nobody is None:
                # Before the first check of any password, so that its time says nothing either.
                self._nobody = self._hasher.hash("of an account that does not exist")
            try:
                self._hasher.verify(kept or self._nobody, _plain(password))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether it was kept with other parameters than those of now."""
        return self._hasher.check_needs_rehash(kept)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=_WAIT_SECONDS):
            raise BusyError("too many passwords are being checked now; try again in a moment")
        try:
            yield
        finally:
            self._turns.release()


def check_new(password: str, name: str) -> None:
    """Refuses a password that is easily guessed; says what would be right."""
    plain = _plain(password)
    if len(plain) < MIN_LENGTH:
        raise AccountError(f"the password is too short; take at least {MIN_LENGTH} characters")
    if len(plain) > MAX_LENGTH:
        raise AccountError(f"the password is too long; take at most {LONGEST} characters")
    if len(set(plain)) < _MIN_DISTINCT:
        raise AccountError("the password repeats a few characters; take several words")
    if len(name) > 2 and name.lower() in plain.lower():
        raise AccountError("the password contains the name of the account; take another one")


def _plain(password: str) -> str:
    # One password, however a keyboard composes its letters (NIST SP 800-63B section 3.1.1.2).
    return unicodedata.normalize("NFC", password)
