"""Rate limits for login attempts.

Failures are counted by address (IPv6: /64) and by account. For an account, each address with an
earlier successful login has its own counter: an attacker elsewhere delays other unknown addresses,
but cannot lock the person out from a known one. The same wrong password counts once for them, and
waits by itself from then on: a program with an old one fails for ever, and keeps nobody out. An
attacker at the same address who guesses causes a bounded wait; open sessions continue, and an
operator can clear the failures (``keyhole people reset``).
"""

import hashlib
import secrets
import threading
from collections import OrderedDict

from keyhole.accounts.error import RateLimitedError
from keyhole.system.backoff import Backoff, BackoffPolicy

MINUTE = 60.0
ADDRESS = BackoffPolicy(free=100, max_wait=5 * MINUTE, reset_after=15 * MINUTE)
UNKNOWN_ADDRESS = BackoffPolicy(free=5, max_wait=1 * MINUTE, reset_after=60 * MINUTE)
KNOWN_ADDRESS = BackoffPolicy(free=5, max_wait=1 * MINUTE, reset_after=15 * MINUTE)
CODE = BackoffPolicy(free=5, max_wait=15 * MINUTE, reset_after=24 * 60 * MINUTE)
"""Stricter, since the password is already known at this step."""
WRONG = BackoffPolicy(free=4, max_wait=5 * MINUTE, reset_after=15 * MINUTE)
"""The same wrong password again; the first time counted for the account."""
TOKEN = BackoffPolicy(free=5, max_wait=5 * MINUTE, reset_after=15 * MINUTE)
TOKENS = BackoffPolicy(free=100, max_wait=1 * MINUTE, reset_after=15 * MINUTE)
_MAX_NAMES, _MAX_PLACES, _MAX_WRONG = 4_096, 32, 4_096


class Attempt:
    """A started attempt; it counts as failed unless `succeeded` is called."""

    def __init__(self, backoff: Backoff, keys: list[tuple[str, BackoffPolicy]]) -> None:
        if seconds := backoff.begin(keys):
            raise RateLimitedError(seconds)
        self._backoff = backoff
        self._keys = [key for key, _ in keys]

    def succeeded(self) -> None:
        """Removes it from the failures."""
        self._backoff.undo(self._keys)


class LoginLimits:
    """Starts attempts, or raises `RateLimitedError`."""

    def __init__(self, backoff: Backoff | None = None) -> None:
        self._backoff = backoff or Backoff()
        self._lock = threading.Lock()
        self._places: OrderedDict[str, set[str]] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._key = secrets.token_bytes(32)

    def password(self, name: str, place: str, *, is_known: bool) -> Attempt:
        """Starts a password attempt for an account, which may not exist.

        From a known place only the account counts: others who fail at the same address, behind one
        NAT, do not brake it.
        """
        if is_known:
            return Attempt(self._backoff, [(f"name|{name}|{place}", KNOWN_ADDRESS)])
        self._remember(name, place)
        keys = [(f"place|{place}", ADDRESS), (f"name|{name}|", UNKNOWN_ADDRESS)]
        return Attempt(self._backoff, keys)

    def is_known_wrong(self, name: str, stored: str | None, password: str, place: str) -> bool:
        """Whether this password failed already for the account as it is now. To try it again is no
        guess: it waits by itself, and counts for nobody else; raises `RateLimitedError`."""
        digest = self._digest(name, stored, password)
        with self._lock:
            is_known = digest in self._wrong
        if is_known:
            Attempt(self._backoff, [(f"wrong|{digest.hex()}|{place}", WRONG)])
        return is_known

    def remember_wrong(self, name: str, stored: str | None, password: str) -> None:
        """Remembers a password that does not match ``stored``; in memory, and only as a digest."""
        with self._lock:
            self._wrong[self._digest(name, stored, password)] = None
            while len(self._wrong) > _MAX_WRONG:
                self._wrong.popitem(last=False)

    def _digest(self, name: str, stored: str | None, password: str) -> bytes:
        parts = repr((name, stored, password)).encode(errors="backslashreplace")
        return hashlib.blake2b(parts, key=self._key, digest_size=32).digest()

    def token(self, digest: str, place: str) -> Attempt:
        """Counts an attempt with a wrong API token: by its digest first, and by address with room
        for others. Right ones are not counted, so they never wait."""
        keys = [(f"token|{digest}|{place}", TOKEN), (f"tokens|{place}", TOKENS)]
        return Attempt(self._backoff, keys)

    def link(self, digest: str, place: str) -> Attempt:
        """Counts an attempt with a wrong one-time link, as `token` does."""
        keys = [(f"link|{digest}|{place}", TOKEN), (f"links|{place}", TOKENS)]
        return Attempt(self._backoff, keys)

    def code(self, name: str, place: str, *, is_known: bool) -> Attempt:
        """Starts a second-factor attempt, after a correct password."""
        where = f"{name}|{place}" if is_known else f"{name}|"
        return Attempt(self._backoff, [(f"code|{where}", CODE)])

    def forget(self, name: str) -> None:
        """Clears the failures of an account from all addresses, and the waits of the addresses
        from which it was tried."""
        for kind in ("name", "code"):
            self._backoff.forget(f"{kind}|{name}|")
        with self._lock:
            places = self._places.pop(name, set())
        for place in places:
            self._backoff.forget(f"place|{place}")

    def _remember(self, name: str, place: str) -> None:
        with self._lock:
            places = self._places.pop(name, set())
            if len(places) < _MAX_PLACES:
                places.add(place)
            self._places[name] = places
            while len(self._places) > _MAX_NAMES:
                self._places.popitem(last=False)
