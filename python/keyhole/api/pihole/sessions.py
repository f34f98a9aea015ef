"""Sessions of Pi-hole's API: a client sends a token once, then only its session ID.

Sessions are in memory, so a restart ends them and clients log in again. Each request looks up the
token of its session, so a session ends with its token.
"""

import secrets
import threading
import time
from dataclasses import dataclass

from keyhole.accounts import AccountServices, ClientInfo
from keyhole.accounts.secret import digest
from keyhole.accounts.tokens import ApiToken
from keyhole.model.address import rate_limit_key

VALID_SECONDS = 1800
"""Counted from the last use."""
MAX_SESSIONS = 256
MAX_PER_TOKEN = 32
"""Sessions of one token; a new one replaces the one that was used least recently."""


@dataclass
class _Session:
    token_digest: str
    ends: float


class PiholeSessions:
    """The open sessions. Thread-safe; methods may block on the database."""

    def __init__(self, accounts: AccountServices) -> None:
        self._accounts = accounts
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def open(self, secret: str, client: ClientInfo) -> str | None:
        """A new session ID for the secret of a token; ``None`` if it is not valid from there.

        Raises ``RateLimitedError`` for a wrong one that is tried too often.
        """
        token = self._accounts.logins.token(secret, client.address)
        if token is None or not token.is_good_from(client.address):
            # A right token never waits: many programs share one address, and nobody guesses one.
            place = rate_limit_key(client.address)
            self._accounts.context.login_limits.token(digest(secret), place)
            self._accounts.logins.refused_token(client, "wrong token by the API of Pi-hole")
            return None
        sid = secrets.token_urlsafe(32)
        with self._lock:
            self._make_room(digest(secret))
            self._sessions[digest(sid)] = _Session(digest(secret), time.monotonic() + VALID_SECONDS)
        return sid

    def token_of(self, sid: str, address: str, *, is_use: bool = True) -> ApiToken | None:
        """The token of a session if both are valid from ``address``; extends the session."""
        with self._lock:
            session = self._sessions.get(digest(sid))
            if session is None or session.ends <= time.monotonic():
                return None
        token = self._accounts.logins.token_by_digest(session.token_digest, address, is_use=is_use)
        if token is None or not token.is_good_from(address):
            return None
        if is_use:
            session.ends = time.monotonic() + VALID_SECONDS
        return token

    def close(self, sid: str) -> bool:
        """Closes a session; false if there was none."""
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
