"""Rate limits for login attempts.

Failures are counted by address (IPv6: /64) and by account. For an account, each address with an
earlier successful login has its own counter: an attacker elsewhere delays other unknown addresses,
but cannot lock the person out from a known one. An attacker at the same address causes a bounded
wait; open sessions continue, and an operator can clear the failures (``keyhole people reset``).
"""

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
TOKEN = BackoffPolicy(free=5, max_wait=5 * MINUTE, reset_after=15 * MINUTE)
TOKENS = BackoffPolicy(free=100, max_wait=1 * MINUTE, reset_after=15 * MINUTE)
_MAX_NAMES, _MAX_PLACES = 4_096, 32


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

    def token(self, digest: str, place: str) -> Attempt:
        """Counts an attempt with a wrong API token: by its digest first, and by address with room
        for others. Right ones are not counted, so they never wait."""
        keys = [(f"token|{digest}|{place}", TOKEN), (f"tokens|{place}", TOKENS)]
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
