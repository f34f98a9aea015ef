"""Login, authentication of later requests, and logout."""

from dataclasses import dataclass
from typing import NoReturn

from keyhole.accounts import accounts, sessions, tokens
from keyhole.accounts.accounts import Account
from keyhole.accounts.client_info import ClientInfo
from keyhole.accounts.context import AccountContext, record
from keyhole.accounts.error import AuthenticationError, CodeRequiredError
from keyhole.accounts.failed_logins import FailedLogins
from keyhole.accounts.login_limits import Attempt
from keyhole.accounts.secret import digest
from keyhole.accounts.sessions import Session
from keyhole.accounts.tokens import ApiToken
from keyhole.accounts.totp import use_any_code
from keyhole.model.address import rate_limit_key
from keyhole.model.role import Role
from keyhole.store import Actor

_WRONG = "the name or the password is wrong"
USED_UP = ""
"""Replaces the hash of a used one-time password; no password matches it."""


@dataclass(frozen=True)
class Login:
    """The credentials of a login."""

    name: str
    password: str
    code: str | None = None


class Logins:
    """Authenticates people and programs."""

    def __init__(self, context: AccountContext, failed_logins: FailedLogins) -> None:
        self._context = context
        self._failed_logins = failed_logins

    def log_in(self, login: Login, client: ClientInfo, before: str | None = None) -> str:
        """Starts a session and returns its secret; ends the session ``before`` of the same browser.

        Raises `RateLimitedError`, `AuthenticationError`, and `CodeRequiredError` if only a code is
        missing.
        """
        place = rate_limit_key(client.address)
        with self._context.database.read() as connection:
            account = accounts.find(connection, login.name)
            is_known = account is not None and accounts.is_known_place(
                connection, login.name, place
            )
        limits, stored = self._context.login_limits, account.password if account else None
        if limits.is_known_wrong(login.name, stored, login.password, place):
            self._refuse(account, client, "the same wrong password again", _WRONG)
        attempt = limits.password(login.name, place, is_known=is_known)
        # Always verified first, so that the response time reveals nothing about the account.
        is_right = self._context.passwords.verify(stored, login.password)
        if not is_right:
            limits.remember_wrong(login.name, stored, login.password)
        if account is None or not is_right or account.is_disabled:
            why = "wrong password" if account else "no such account"
            why = "the account is disabled" if account and is_right else why
            self._refuse(account, client, why, _WRONG)
        if account.one_time_until is not None and account.one_time_until <= self._context.now():
            why = "the one-time password has expired"
            self._refuse(account, client, why, f"{why}; an administrator can make a new one")
        code = self._needed_code(account, login, attempt)
        attempts = [attempt]
        if code:
            attempts.append(limits.code(account.name, place, is_known=is_known))
        secret = self._begin(account, login.password, code, client, before)
        if secret is None:
            self._refuse(account, client, "wrong code", "the code is wrong, or was used before")
        for one in attempts:
            one.succeeded()
        return secret

    def log_in_by_provider(
        self, name: str, role: Role, client: ClientInfo, before: str | None = None
    ) -> str:
        """Starts a session for a person whom an identity provider authenticated."""
        context = self._context
        with context.database.begin() as connection:
            if before is not None:
                sessions.end_secret(connection, before)
            who = (None, name, role)
            secret, _ = sessions.begin(connection, who, client, context.lifetimes, context.now())
            record(connection, Actor(name, "oidc", client.address), "login", role=role.word)
        return secret

    def refused_by_provider(self, name: str | None, client: ClientInfo, why: str) -> None:
        """Records a failed login through the identity provider."""
        self._failed_logins.write(name, client, why)

    def session(self, secret: str, client: ClientInfo, *, is_use: bool = True) -> Session | None:
        """The session of a secret, if it is valid. Only a use prolongs it."""
        context = self._context
        now = context.now()
        with context.database.read() as connection:
            session = sessions.find(connection, secret, context.lifetimes, now)
        if session is not None and is_use and sessions.needs_touch(session, client, now):
            with context.database.begin() as connection:
                sessions.touch(connection, session, client, now)
        return session

    def token(self, secret: str, address: str, *, is_use: bool = True) -> ApiToken | None:
        """The token of a secret, if it is valid. The caller checks the address with
        ``is_good_from``, so that the response can name that reason."""
        return self.token_by_digest(digest(secret), address, is_use=is_use)

    def token_by_digest(
        self, secret_digest: str, address: str, *, is_use: bool = True
    ) -> ApiToken | None:
        """The same for the digest of a secret."""
        now = self._context.now()
        with self._context.database.read() as connection:
            token = tokens.find(connection, secret_digest, now)
        if token is None or not token.is_good_from(address):
            return token
        if is_use and tokens.needs_touch(token, address, now):
            with self._context.database.begin() as connection:
                tokens.touch(connection, token, address, now)
        return token

    def refused_token(self, client: ClientInfo, why: str) -> None:
        """Records a failed login with a token."""
        self._failed_logins.write(None, client, why)

    def log_out(self, session: Session, by: Actor) -> None:
        """Ends a session on the server, which invalidates its cookie."""
        with self._context.database.begin() as connection:
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
        client: ClientInfo,
        before: str | None,
    ) -> str | None:
        context, now = self._context, self._context.now()
        rehashed = self._outdated(account, password)
        with context.database.begin() as connection:
            accounts.lock(connection)
            current = accounts.find(connection, account.name)
            # The account may have been disabled, or the password used, since it was verified.
            if current is None or current.is_disabled or current.password != account.password:
                raise AuthenticationError(_WRONG)
            detail = {}
            if code is not None:
                how = use_any_code(connection, current, code, context.clock())
                if how is None:
                    return None
                detail["code"] = how
            if before is not None:
                sessions.end_secret(connection, before)
            stored = USED_UP if current.must_change else rehashed or current.password
            accounts.change(connection, account.name, password=stored, last_login=now)
            accounts.remember_place(connection, account.name, rate_limit_key(client.address), now)
            who = (account.name, account.name, account.role)
            secret, _ = sessions.begin(connection, who, client, context.lifetimes, now)
            by = Actor(account.name, "session", client.address)
            record(connection, by, "login", **detail)
        return secret

    def _outdated(self, account: Account, password: str) -> str | None:
        if account.must_change or not self._context.passwords.needs_rehash(account.password):
            return None
        return self._context.passwords.hash(password)

    def _refuse(
        self, account: Account | None, client: ClientInfo, why: str, message: str
    ) -> NoReturn:
        self._failed_logins.write(account.name if account else None, client, why)
        raise AuthenticationError(message)
