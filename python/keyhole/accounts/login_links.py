"""One-time links: a secret that takes the place of a password, once and for a short time.

Digests of them are kept in memory, so that a link works only in the control process that made it
and ends with it. An account has one link at most; a new one replaces it.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from keyhole.accounts import accounts, sessions
from keyhole.accounts.accounts import Account
from keyhole.accounts.client_info import ClientInfo
from keyhole.accounts.context import AccountContext, record
from keyhole.accounts.error import AuthenticationError, CodeRequiredError, ConflictError
from keyhole.accounts.failed_logins import FailedLogins
from keyhole.accounts.secret import digest, new_session_secret
from keyhole.accounts.totp import use_any_code
from keyhole.model.address import rate_limit_key
from keyhole.store import Actor

LINK_SECONDS = 15 * 60
"""How long a link is valid."""
_MAX_LINKS = 1_024
_UNKNOWN = (
    "there is no such link; a new link of the account ends it, and so does a new start of Keyhole"
)


@dataclass(frozen=True)
class _Link:
    name: str
    password: str
    """The hash of the password when the link was made: with another one the link ends."""
    ends: int
    is_used: bool = False


class LoginLinks:
    """Makes links, and logs in by them. Thread-safe."""

    def __init__(self, context: AccountContext, failed_logins: FailedLogins) -> None:
        self._context = context
        self._failed_logins = failed_logins
        self._lock = threading.Lock()
        self._using = threading.Lock()
        self._links: OrderedDict[str, _Link] = OrderedDict()

    def create(self, name: str, by: Actor) -> str:
        """The secret of a new link for an account."""
        context, secret = self._context, new_session_secret()
        with context.database.begin() as connection:
            account = accounts.get(connection, name)
            if account.is_disabled:
                raise ConflictError(f"the account {name} is disabled; enable it first")
            link = _Link(name, account.password, context.now() + LINK_SECONDS)
            detail = {"person": name, "seconds": LINK_SECONDS}
            record(connection, by, "login_link_created", **detail)
        with self._lock:
            for one in [key for key, old in self._links.items() if old.name == name]:
                # A used one is kept for its sentence.
                if not self._links[one].is_used:
                    del self._links[one]
            self._links[digest(secret)] = link
            while len(self._links) > _MAX_LINKS:
                self._links.popitem(last=False)
        return secret

    def log_in(
        self, secret: str, code: str | None, client: ClientInfo, before: str | None = None
    ) -> str:
        """Starts a session by a link, and returns its secret. An account with a second factor needs
        a code as well: a link stands for the password alone.

        Raises `RateLimitedError`, `AuthenticationError`, and `CodeRequiredError` if only a code is
        missing; then the link is still good.
        """
        context, key, place = self._context, digest(secret), rate_limit_key(client.address)
        with self._lock:
            link = self._links.get(key)
        if link is None:
            # Only wrong ones are counted, so a right one never waits.
            context.login_limits.link(key, place)
            self._failed_logins.write(None, client, "no such link")
            raise AuthenticationError(_UNKNOWN)
        try:
            return self._use(key, link.name, code, client, before)
        except _RefusedError as refused:
            self._failed_logins.write(link.name, client, f"link: {refused.why}")
            raise AuthenticationError(str(refused)) from None

    def _use(
        self, key: str, name: str, code: str | None, client: ClientInfo, before: str | None
    ) -> str:
        context, place = self._context, rate_limit_key(client.address)
        # One after the other, so that a link is used once.
        with self._using, context.database.begin() as connection:
            accounts.lock(connection)
            account, now = self._checked(connection, key, name), context.now()
            detail: dict[str, object] = {"link": True}
            if account.has_code:
                if not code:
                    raise CodeRequiredError("a code of the second factor is needed as well")
                is_known = accounts.is_known_place(connection, name, place)
                attempt = context.login_limits.code(name, place, is_known=is_known)
                detail["code"] = use_any_code(connection, account, code, context.clock())
                if detail["code"] is None:
                    raise _RefusedError("wrong code", "the code is wrong, or was used before")
                attempt.succeeded()
            if before is not None:
                sessions.end_secret(connection, before)
            accounts.change(connection, name, last_login=now)
            accounts.remember_place(connection, name, place, now)
            who = (name, name, account.role)
            secret, _ = sessions.begin(connection, who, client, context.lifetimes, now)
            record(connection, Actor(name, "link", client.address), "login", **detail)
            with self._lock:
                self._links[key] = replace(self._links[key], is_used=True)
        return secret

    def _checked(self, connection: Connection, key: str, name: str) -> Account:
        """The account of a link that is still good."""
        with self._lock:
            link = self._links.get(key)
        account = accounts.find(connection, name)
        again = f"; keyhole people link {name} makes another one"
        if link is None or account is None or account.is_disabled:
            raise _RefusedError("not valid any more", f"this link is not valid any more{again}")
        if link.is_used:
            raise _RefusedError("used before", f"this link was used before{again}")
        if link.ends <= self._context.now():
            raise _RefusedError("expired", f"this link has expired{again}")
        if link.password != account.password:
            why = "the password is another one"
            text = f"this link is not valid any more, because the account has a new password{again}"
            raise _RefusedError(why, text)
        return account


class _RefusedError(AuthenticationError):
    """A link or a code is refused; ``why`` is for the audit record."""

    def __init__(self, why: str, text: str) -> None:
        super().__init__(text)
        self.why = why
