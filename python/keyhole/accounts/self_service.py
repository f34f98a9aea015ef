"""What people change of themselves: the password and the second factor."""

from dataclasses import dataclass

from keyhole.accounts import accounts, sessions, totp
from keyhole.accounts.accounts import Account
from keyhole.accounts.actor import Actor, ClientInfo
from keyhole.accounts.context import AccountContext, record
from keyhole.accounts.error import AccountError, AuthenticationError, ConflictError
from keyhole.accounts.passwords import check_new
from keyhole.accounts.sessions import Session
from keyhole.model.address import rate_limit_key

ISSUER = "Keyhole"


@dataclass(frozen=True)
class SecondFactor:
    """A second factor that waits to be confirmed; nothing here is shown again."""

    secret: str
    url: str


class SelfService:
    """Each of these needs a session of an account, and most of them the password once more."""

    def __init__(self, ground: AccountContext) -> None:
        self._ground = ground

    def change_password(
        self, session: Session, current: str | None, new: str, visit: ClientInfo
    ) -> str:
        """Changes the password and ends all sessions of the account; gives the secret of a new
        one. A one-time password was shown at login and is not asked for again."""
        ground = self._ground
        account = self._account(session)
        if not account.must_change:
            self._show_password(account, current or "", visit)
        check_new(new, account.name)
        kept = ground.passwords.keep(new)
        with ground.database.begin() as connection:
            accounts.lock(connection)
            accounts.change(connection, account.name, password=kept, one_time_until=None)
            sessions.end_all_of(connection, account.name)
            who = (account.name, account.name, account.role)
            secret, _ = sessions.begin(connection, who, visit, ground.lives, ground.now())
            record(connection, _by(account, visit), "password_changed")
        ground.heard()
        return secret

    def begin_second_factor(
        self, session: Session, password: str, visit: ClientInfo
    ) -> SecondFactor:
        """Draws a secret for an authenticator; it counts once a code of it was shown."""
        account = self._account(session)
        self._show_password(account, password, visit)
        if account.has_code:
            raise ConflictError("there is a second factor already; disable it first")
        secret = totp.new_secret()
        with self._ground.database.begin() as connection:
            accounts.lock(connection)
            accounts.change(connection, account.name, totp_draft=secret)
        return SecondFactor(secret, totp.enrollment_url(secret, account.name, ISSUER))

    def confirm_second_factor(self, session: Session, code: str, visit: ClientInfo) -> list[str]:
        """Has the second factor count from now on; gives the recovery codes, shown only here."""
        ground = self._ground
        account = self._account(session)
        if account.totp_draft is None:
            raise AccountError("no second factor waits to be confirmed; begin with one")
        attempt = ground.admission.code(account.name, rate_limit_key(visit.address), is_known=True)
        step = totp.step_of(account.totp_draft, code, ground.clock(), after=0)
        if step is None:
            raise AuthenticationError("the code is wrong; check the clock of the device")
        with ground.database.begin() as connection:
            accounts.lock(connection)
            current = accounts.get(connection, account.name)
            if current.totp_draft != account.totp_draft:
                raise ConflictError("the second factor was begun anew meanwhile; confirm that one")
            accounts.change(
                connection,
                account.name,
                totp=account.totp_draft,
                totp_draft=None,
                totp_step=step,
            )
            codes = totp.renew_recovery_codes(connection, account.name)
            record(connection, _by(account, visit), "second_factor_enabled")
        attempt.succeeded()
        return codes

    def disable_second_factor(
        self, session: Session, password: str, code: str, visit: ClientInfo
    ) -> None:
        """Logging in needs no code any more; takes the password and a last code, or a recovery
        code."""
        ground = self._ground
        account = self._account(session)
        self._show_password(account, password, visit)
        if account.totp is None:
            raise AccountError("there is no second factor")
        attempt = ground.admission.code(account.name, rate_limit_key(visit.address), is_known=True)
        with ground.database.begin() as connection:
            accounts.lock(connection)
            secret, now = account.totp, ground.clock()
            is_good = totp.use_code(connection, account.name, secret, code, now)
            is_good = is_good or totp.use_recovery_code(connection, account.name, code)
            if not is_good:
                raise AuthenticationError("the code is wrong, or was used before")
            accounts.change(connection, account.name, totp=None, totp_draft=None)
            totp.forget_recovery_codes(connection, account.name)
            record(connection, _by(account, visit), "second_factor_disabled")
        attempt.succeeded()

    def _account(self, session: Session) -> Account:
        if session.person is None:
            raise AccountError("an identity provider vouches for you; change it there")
        with self._ground.database.read() as connection:
            return accounts.get(connection, session.person)

    def _show_password(self, account: Account, password: str, visit: ClientInfo) -> None:
        place = rate_limit_key(visit.address)
        attempt = self._ground.admission.password(account.name, place, is_known=True)
        if not self._ground.passwords.is_right(account.password, password):
            raise AuthenticationError("the current password is wrong")
        attempt.succeeded()


def _by(account: Account, visit: ClientInfo) -> Actor:
    return Actor(account.name, "session", visit.address)
