"""Rate limits for login attempts.

Failures are counted by address (IPv6: /64) and by account. For an account, each address with an
earlier successful login has its own counter: an attacker elsewhere delays other unknown addresses,
but cannot lock the person out from a known one. An attacker at the same address causes a bounded
wait; open sessions continue, and an operator can clear the failures (``keyhole people reset``).
"""

from keyhole.accounts.error import RateLimitedError
from keyhole.system.backoff import Backoff, BackoffPolicy

MINUTE = 60.0
ADDRESS = BackoffPolicy(free=20, max_wait=5 * MINUTE, reset_after=15 * MINUTE)
UNKNOWN_ADDRESS = BackoffPolicy(free=5, max_wait=1 * MINUTE, reset_after=60 * MINUTE)
KNOWN_ADDRESS = BackoffPolicy(free=5, max_wait=1 * MINUTE, reset_after=15 * MINUTE)
CODE = BackoffPolicy(free=5, max_wait=15 * MINUTE, reset_after=24 * 60 * MINUTE)
"""Stricter, since the password is already known at this step."""


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

    def password(self, name: str, place: str, *, is_known: bool) -> Attempt:
        """Starts a password attempt for an account, which may not exist."""
        where = f"{name}|{place}" if is_known else f"{name}|"
        keys = [
            (f"place|{place}", ADDRESS),
            (f"name|{where}", KNOWN_ADDRESS if is_known else UNKNOWN_ADDRESS),
        ]
        return Attempt(self._backoff, keys)

    def token(self, place: str) -> Attempt:
        """Starts an attempt with an API token."""
        return Attempt(self._backoff, [(f"place|{place}", ADDRESS)])

    def code(self, name: str, place: str, *, is_known: bool) -> Attempt:
        """Starts a second-factor attempt, after a correct password."""
        where = f"{name}|{place}" if is_known else f"{name}|"
        return Attempt(self._backoff, [(f"code|{where}", CODE)])

    def forget(self, name: str) -> None:
        """Clears the failures of an account from all addresses."""
        for kind in ("name", "code"):
            self._backoff.forget(f"{kind}|{name}|")
