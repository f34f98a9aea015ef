"""Who may try to log in now.

Attempts are counted by address (IPv6: /64) and by account. For an account they are counted by
themselves from each place where the person has logged in before: strangers elsewhere can slow
each other down, and newcomers, but never keep the person out of the places that are theirs. Where
even that happens, because the stranger sits at the same place, the wait has an end, sessions that
are open go on, and whoever runs Keyhole can forget the failures (``keyhole people reset``).
"""

from keyhole.accounts.backoff import Backoff, BackoffPolicy

MINUTE = 60.0
PLACE = BackoffPolicy(free=20, longest=5 * MINUTE, forgotten=15 * MINUTE)
STRANGE = BackoffPolicy(free=5, longest=1 * MINUTE, forgotten=60 * MINUTE)
KNOWN = BackoffPolicy(free=5, longest=1 * MINUTE, forgotten=15 * MINUTE)
CODE = BackoffPolicy(free=5, longest=15 * MINUTE, forgotten=24 * 60 * MINUTE)
"""Whoever fails by the code has the password already."""


class Attempt:
    """One try that has begun; it counts as failed unless `succeeded`."""

    def __init__(self, backoff: Backoff, keys: list[tuple[str, BackoffPolicy]]) -> None:
        backoff.begin(keys)
        self._backoff = backoff
        self._keys = [key for key, _ in keys]

    def succeeded(self) -> None:
        """Takes it back from the failures."""
        self._backoff.undo(self._keys)


class LoginLimits:
    """Lets attempts begin, or raises `RateLimitedError`."""

    def __init__(self, backoff: Backoff | None = None) -> None:
        self._backoff = backoff or Backoff()

    def password(self, name: str, place: str, *, is_known: bool) -> Attempt:
        """Somebody at a place says a password of an account, which may not exist."""
        where = f"{name}|{place}" if is_known else f"{name}|"
        keys = [(f"place|{place}", PLACE), (f"name|{where}", KNOWN if is_known else STRANGE)]
        return Attempt(self._backoff, keys)

    def token(self, place: str) -> Attempt:
        """Somebody at a place says the secret of a token."""
        return Attempt(self._backoff, [(f"place|{place}", PLACE)])

    def code(self, name: str, place: str, *, is_known: bool) -> Attempt:
        """Somebody whose password was right says a code."""
        where = f"{name}|{place}" if is_known else f"{name}|"
        return Attempt(self._backoff, [(f"code|{where}", CODE)])

    def forget(self, name: str) -> None:
        """Forgets all failures of an account, wherever they came from."""
        for kind in ("name", "code"):
            self._backoff.forget(f"{kind}|{name}|")
