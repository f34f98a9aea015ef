"""Sessions of Pi-hole's kind: a client shows a token once, then the number of its seat.

They live in memory, so a restart ends them all, and clients log in again. A seat is worth no more
than its token: that is looked up for each request, so it ends with the token.
"""

import secrets as random_words
import threading
import time
from dataclasses import dataclass

from keyhole.accounts import AccountServices, ClientInfo
from keyhole.accounts.secret import digest
from keyhole.accounts.tokens import ApiToken
from keyhole.model.address import rate_limit_key

VALID_SECONDS = 1800
"""From the last use."""
MAX_SESSIONS = 256
MAX_PER_TOKEN = 32
"""Of one token; the one that was used least recently makes room."""


@dataclass
class _PiholeSession:
    token_digest: str
    ends: float


class PiholeSessions:
    """Who has logged in. Safe to use from several threads; all methods may wait for the
    database."""

    def __init__(self, accounts: AccountServices) -> None:
        self._accounts = accounts
        self._lock = threading.Lock()
        self._seats: dict[str, _PiholeSession] = {}

    def sit(self, secret: str, visit: ClientInfo) -> str | None:
        """The number of a seat for the bearer of a token; none where the token is not good there.

        Raises ``RateLimitedError`` for a place from which many tried in vain.
        """
        attempt = self._accounts.ground.admission.token(rate_limit_key(visit.address))
        token = self._accounts.logins.token(secret, visit.address)
        if token is None or not token.is_good_from(visit.address):
            self._accounts.logins.refused_token(visit, "wrong token by the API of Pi-hole")
            return None
        attempt.succeeded()
        sid = random_words.token_urlsafe(32)
        with self._lock:
            self._make_room(digest(secret))
            self._seats[digest(sid)] = _PiholeSession(
                digest(secret), time.monotonic() + VALID_SECONDS
            )
        return sid

    def token_of(self, sid: str, address: str) -> ApiToken | None:
        """The token behind a seat, if both still hold from there; using it prolongs the seat."""
        with self._lock:
            seat = self._seats.get(digest(sid))
            if seat is None or seat.ends <= time.monotonic():
                return None
        token = self._accounts.logins.token_by_digest(seat.token_digest, address)
        if token is None or not token.is_good_from(address):
            return None
        seat.ends = time.monotonic() + VALID_SECONDS
        return token

    def leave(self, sid: str) -> bool:
        """Gives a seat up; whether there was one."""
        with self._lock:
            return self._seats.pop(digest(sid), None) is not None

    def _make_room(self, token_digest: str) -> None:
        now = time.monotonic()
        for sid in [sid for sid, seat in self._seats.items() if seat.ends <= now]:
            del self._seats[sid]
        own = [sid for sid, seat in self._seats.items() if seat.token_digest == token_digest]
        if len(own) >= MAX_PER_TOKEN:
            del self._seats[min(own, key=lambda sid: self._seats[sid].ends)]
        if len(self._seats) >= MAX_SESSIONS:
            del self._seats[min(self._seats, key=lambda sid: self._seats[sid].ends)]
