"""Sessions of Pi-hole's kind: a client shows a token once, then the number of its session.

They live in memory, so a restart ends them all, and clients log in again. A session is worth no more
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
        self._sessions: dict[str, _PiholeSession] = {}

    def open(self, secret: str, client: ClientInfo) -> str | None:
        """The number of a session for the bearer of a token; none where the token is not good there.

        Raises ``RateLimitedError`` for a place from which many tried in vain.
        """
        attempt = self._accounts.context.login_limits.token(rate_limit_key(client.address))
        token = self._accounts.logins.token(secret, client.address)
        if token is None or not token.is_good_from(client.address):
            self._accounts.logins.refused_token(client, "wrong token by the API of Pi-hole")
            return None
        attempt.succeeded()
        sid = random_words.token_urlsafe(32)
        with self._lock:
            self._make_room(digest(secret))
            self._sessions[digest(sid)] = _PiholeSession(
                digest(secret), time.monotonic() + VALID_SECONDS
            )
        return sid

    def token_of(self, sid: str, address: str) -> ApiToken | None:
        """The token behind a session, if both still hold from there; using it prolongs the session."""
        with self._lock:
            session = self._sessions.get(digest(sid))
            if session is None or session.ends <= time.monotonic():
                return None
        token = self._accounts.logins.token_by_digest(session.token_digest, address)
        if token is None or not token.is_good_from(address):
            return None
        session.ends = time.monotonic() + VALID_SECONDS
        return token

    def close(self, sid: str) -> bool:
        """Gives a session up; whether there was one."""
        with self._lock:
            return self._sessions.pop(digest(sid), None) is not None

    def _make_room(self, token_digest: str) -> None:
        now = time.monotonic()
        for sid in [sid for sid, session in self._sessions.items() if session.ends <= now]:
            del self._sessions[sid]
        own = [
            sid for sid, session in self._sessions.items() if session.token_digest == token_digest
        ]
        if len(own) >= MAX_PER_TOKEN:
            del self._sessions[min(own, key=lambda sid: self._sessions[sid].ends)]
        if len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda sid: self._sessions[sid].ends)]
