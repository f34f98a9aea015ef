"""Logging in, being recognized afterwards, and logging out."""

from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import Connection

from keyhole.accounts import accounts, sessions, tokens
from keyhole.accounts.accounts import Account
from keyhole.accounts.actor import Actor, ClientInfo
from keyhole.accounts.context import AccountContext, record
from keyhole.accounts.error import AuthenticationError, CodeRequiredError
from keyhole.accounts.failed_logins import FailedLogins
from keyhole.accounts.login_limits import Attempt
from keyhole.accounts.secret import digest
from keyhole.accounts.sessions import Session
from keyhole.accounts.tokens import ApiToken
from keyhole.accounts.totp import use_code, use_recovery_code
from keyhole.model.address import rate_limit_key
from keyhole.model.role import Role

_WRONG = "the name or the password is wrong"
USED_UP = ""
"""What is kept in place of a one-time password that was used: nothing fits it."""


@dataclass(frozen=True)
class Login:
    """What a person gave to log in."""

    name: str
    password: str
    code: str | None = None


class Logins:
    """Who is believed."""

    def __init__(self, ground: AccountContext) -> None:
        self._ground = ground
        self._failures = FailedLogins(ground)

    def log_in(self, login: Login, visit: ClientInfo, before: str | None = None) -> str:
        """Begins a session and gives its secret; the session ``before`` of the same browser ends.

        Raises `RateLimitedError`, `AuthenticationError`, and `CodeRequiredError` where only a code is
        missing.
        """
        place = rate_limit_key(visit.address)
        with self._ground.database.read() as connection:
            account = accounts.find(connection, login.name)
            is_known = account is not None and accounts.is_known_place(
                connection, login.name, place
            )
        attempt = self._ground.admission.password(login.name, place, is_known=is_known)
        kept = account.password if account else None
        # Always checked first, so that the time says nothing of the account.
        is_right = self._ground.passwords.is_right(kept, login.password)
        if account is None or not is_right or account.is_disabled:
            why = "wrong password" if account else "no such account"
            why = "the account is disabled" if account and is_right else why
            self._refuse(account, visit, why, _WRONG)
        if account.one_time_until is not None and account.one_time_until <= self._ground.now():
            why = "the one-time password has expired"
            self._refuse(account, visit, why, f"{why}; an administrator can make a new one")
        code = self._needed_code(account, login, attempt)
        attempts = [attempt]
        if code:
            admission = self._ground.admission
            attempts.append(admission.code(account.name, place, is_known=is_known))
        secret = self._begin(account, login.password, code, visit, before)
        if secret is None:
            self._refuse(account, visit, "wrong code", "the code is wrong, or was used before")
        for one in attempts:
            one.succeeded()
        return secret

    def log_in_by_provider(
        self, name: str, role: Role, visit: ClientInfo, before: str | None = None
    ) -> str:
        """Begins a session for somebody for whom an identity provider vouches."""
        ground = self._ground
        with ground.database.begin() as connection:
            if before is not None:
                sessions.end_secret(connection, before)
            who = (None, name, role)
            secret, _ = sessions.begin(connection, who, visit, ground.lives, ground.now())
            record(connection, Actor(name, "oidc", visit.address), "login", role=role.word)
        return secret

    def refused_by_provider(self, name: str | None, visit: ClientInfo, why: str) -> None:
        """Writes down that somebody came from the provider in vain."""
        self._failures.write(name, visit, why)

    def session(self, secret: str, visit: ClientInfo) -> Session | None:
        """The session of a secret, if it still holds."""
        ground = self._ground
        now = ground.now()
        with ground.database.read() as connection:
            session = sessions.find(connection, secret, ground.lives, now)
        if session is not None and sessions.needs_touch(session, visit, now):
            with ground.database.begin() as connection:
                sessions.touch(connection, session, visit, now)
        return session

    def token(self, secret: str, address: str) -> ApiToken | None:
        """The token of a secret, if it still holds; whether it does from this address is for the
        caller to ask, so that the answer can say so."""
        return self.token_by_digest(digest(secret), address)

    def token_by_digest(self, secret_digest: str, address: str) -> ApiToken | None:
        """The same for whoever remembers no more than the digest of the secret."""
        now = self._ground.now()
        with self._ground.database.read() as connection:
            token = tokens.find(connection, secret_digest, now)
        if token is None or not token.is_good_from(address):
            return token
        if tokens.needs_touch(token, address, now):
            with self._ground.database.begin() as connection:
                tokens.touch(connection, token, address, now)
        return token

    def refused_token(self, visit: ClientInfo, why: str) -> None:
        """Writes down that somebody tried to log in by a token in vain."""
        self._failures.write(None, visit, why)

    def log_out(self, session: Session, by: Actor) -> None:
        """Ends a session on the server; its cookie is worth nothing from then on."""
        with self._ground.database.begin() as connection:
            sessions.end(connection, session.id)
            record(connection, by, "logout")

    def _needed_code(self, account: Account, login: Login, attempt: Attempt) -> str | None:
        if not account.has_code:
            return None
        if not login.code:
            attempt.succeeded()
            raise CodeRequiredError("a code of the second factor is needed as well")
        return login.code

    def _begin(
        self,
        account: Account,
        password: str,
        code: str | None,
        visit: ClientInfo,
        before: str | None,
    ) -> str | None:
        ground, now = self._ground, self._ground.now()
        rehashed = self._outdated(account, password)
        with ground.database.begin() as connection:
            accounts.lock(connection)
            current = accounts.find(connection, account.name)
            # Somebody may have disabled the account or used the password since it was checked.
            if current is None or current.is_disabled or current.password != account.password:
                raise AuthenticationError(_WRONG)
            detail = {}
            if code is not None:
                how = _use(connection, current, code, ground.clock())
                if how is None:
                    return None
                detail["code"] = how
            if before is not None:
                sessions.end_secret(connection, before)
            kept = USED_UP if current.must_change else rehashed or current.password
            accounts.change(connection, account.name, password=kept, last_login=now)
            accounts.remember_place(connection, account.name, rate_limit_key(visit.address), now)
            who = (account.name, account.name, account.role)
            secret, _ = sessions.begin(connection, who, visit, ground.lives, now)
            by = Actor(account.name, "session", visit.address)
            record(connection, by, "login", **detail)
        return secret

    def _outdated(self, account: Account, password: str) -> str | None:
        if account.must_change or not self._ground.passwords.is_outdated(account.password):
            return None
        return self._ground.passwords.keep(password)

    def _refuse(self, account: Account | None, visit: ClientInfo, why: str, told: str) -> NoReturn:
        self._failures.write(account.name if account else None, visit, why)
        raise AuthenticationError(told)


def _use(connection: Connection, account: Account, code: str, now: float) -> str | None:
    """How the code was good, if it was."""
    if account.totp and use_code(connection, account.name, account.totp, code, now):
        return "by time"
    return "recovery" if use_recovery_code(connection, account.name, code) else None
