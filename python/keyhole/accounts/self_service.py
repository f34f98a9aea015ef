"""Self-service: people change their own password and second factor."""

from dataclasses import dataclass

from sqlalchemy import Connection

from keyhole.accounts import accounts, sessions, totp
from keyhole.accounts.accounts import Account
from keyhole.accounts.client_info import ClientInfo
from keyhole.accounts.context import AccountContext, record
from keyhole.accounts.error import AccountError, AuthenticationError, ConflictError
from keyhole.accounts.passwords import check_new
from keyhole.accounts.sessions import Session
from keyhole.model.address import rate_limit_key
from keyhole.store import Actor

ISSUER = "Keyhole"


@dataclass(frozen=True)
class SecondFactor:
    """An unconfirmed second factor; its secret is shown only once."""

    secret: str
    url: str


class SelfService:
    """Each method needs a session of an account; most also need the password again."""

    def __init__(self, context: AccountContext) -> None:
        self._context = context

    def change_password(
        self, session: Session, current: str | None, new: str, client: ClientInfo
    ) -> str:
        """Changes the password and ends all sessions of the account; returns the secret of a new
        session. A one-time password was checked at login and is not needed again."""
        context = self._context
        account = self._account(session)
        if not account.must_change:
            self._check_password(account, current or "", client)
        check_new(new, account.name)
        stored = context.passwords.hash(new)
        with context.database.begin() as connection:
            _lock(connection, session, account)
            accounts.change(connection, account.name, password=stored, one_time_until=None)
            sessions.end_all_of(connection, account.name)
            who = (account.name, account.name, account.role)
            secret, _ = sessions.begin(connection, who, client, context.lifetimes, context.now())
            record(connection, _by(account, client), "password_changed")
        context.on_set_up()
        return secret

    def begin_second_factor(
        self, session: Session, password: str, client: ClientInfo
    ) -> SecondFactor:
        """Creates a secret for an authenticator; a first code must confirm it."""
        account = self._account(session)
        self._check_password(account, password, client)
        if account.has_code:
            raise ConflictError("there is a second factor already; disable it first")
        secret = totp.new_secret()
        with self._context.database.begin() as connection:
            _lock(connection, session, account)
            accounts.change(connection, account.name, totp_draft=secret)
        return SecondFactor(secret, totp.enrollment_url(secret, account.name, ISSUER))

    def confirm_second_factor(self, session: Session, code: str, client: ClientInfo) -> list[str]:
        """Enables the second factor; returns the recovery codes, which are shown only once."""
        context = self._context
        account = self._account(session)
        if account.totp_draft is None:
            raise AccountError("no second factor is waiting for confirmation; start one first")
        attempt = context.login_limits.code(
            account.name, rate_limit_key(client.address), is_known=True
        )
        step = totp.step_of(account.totp_draft, code, context.clock(), after=0)
        if step is None:
            raise AuthenticationError("the code is wrong; check the clock of the device")
        with context.database.begin() as connection:
            current = _lock(connection, session, account)
            if current.totp_draft != account.totp_draft:
                raise ConflictError(
                    "the second factor was started again meanwhile; confirm that one"
                )
            accounts.change(
                connection,
                account.name,
                totp=account.totp_draft,
                totp_draft=None,
                totp_step=step,
            )
            codes = totp.renew_recovery_codes(connection, account.name)
            record(
                connection, _by(account, client), "second_factor_enabled", before=False, after=True
            )
        attempt.succeeded()
        return codes

    def disable_second_factor(
        self, session: Session, password: str, code: str, client: ClientInfo
    ) -> None:
        """Disables the second factor; needs the password and a code, or a recovery code."""
        context = self._context
        account = self._account(session)
        self._check_password(account, password, client)
        if account.totp is None:
            raise AccountError("there is no second factor")
        attempt = context.login_limits.code(
            account.name, rate_limit_key(client.address), is_known=True
        )
        with context.database.begin() as connection:
            _lock(connection, session, account)
            secret, now = account.totp, context.clock()
            is_good = totp.use_code(connection, account.name, secret, code, now)
            is_good = is_good or totp.use_recovery_code(connection, account.name, code)
            if not is_good:
                raise AuthenticationError("the code is wrong, or was used before")
            accounts.change(connection, account.name, totp=None, totp_draft=None)
            totp.forget_recovery_codes(connection, account.name)
            record(
                connection, _by(account, client), "second_factor_disabled", before=True, after=False
            )
        attempt.succeeded()

    def _account(self, session: Session) -> Account:
        if session.person is None:
            raise AccountError("an identity provider manages your account; change it there")
        with self._context.database.read() as connection:
            return accounts.get(connection, session.person)

    def _check_password(self, account: Account, password: str, client: ClientInfo) -> None:
        place = rate_limit_key(client.address)
        attempt = self._context.login_limits.password(account.name, place, is_known=True)
        if not self._context.passwords.verify(account.password, password):
            raise AuthenticationError("the current password is wrong")
        attempt.succeeded()


def _lock(connection: Connection, session: Session, account: Account) -> Account:
    """The account as it is now. Verifying a password takes time: who was locked out meanwhile must
    not take the account back with what was right before."""
    accounts.lock(connection)
    current = accounts.find(connection, account.name)
    is_same = current is not None and current.password == account.password
    if current is None or not is_same or not sessions.goes_on(connection, session.id):
        raise AuthenticationError("this session has ended meanwhile; log in again")
    return current


def _by(account: Account, client: ClientInfo) -> Actor:
    return Actor(account.name, "session", client.address)
