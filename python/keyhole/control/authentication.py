"""Opens the accounts of a running Keyhole, and creates the first administrator."""

import asyncio
from dataclasses import dataclass

from keyhole.accounts import AccountContext, AccountServices, SessionLifetimes
from keyhole.accounts.administration import FIRST_ACCOUNT
from keyhole.accounts.oidc import Oidc, OidcSetup
from keyhole.control.changes import Changes
from keyhole.control.error import ControlError
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import Settings
from keyhole.errors import KeyholeError
from keyhole.model.role import Role
from keyhole.store import Database
from keyhole.system.regular_file import read_regular


@dataclass(frozen=True)
class Authentication:
    """The ways to authenticate: accounts and tokens, and perhaps an OIDC provider."""

    accounts: AccountServices
    oidc: Oidc | None

    def is_set_up(self) -> bool:
        """Whether the API may listen on the network: a login other than by one-time password is
        possible."""
        return self.oidc is not None or self.accounts.administration.is_set_up()


async def open_authentication(
    settings: Settings, changes: Changes | None, notify: Notify
) -> Authentication | None:
    """Opens the accounts in the database of the documents. If there are none, it creates the first
    administrator and reports the one-time password, which cannot be shown again.

    Returns none, with a notice, if that fails: then nobody can log in.
    """
    if changes is None:
        return None
    try:
        opened, password = await asyncio.to_thread(_open, settings, changes.database)
    except KeyholeError as error:
        text = "nobody can log in until keyhole up is started again"
        notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))
        return None
    if password is not None:
        text = f"made the first administrator: log in as {FIRST_ACCOUNT} with {password}"
        hint = "the password works once, within 24 hours; keyhole people reset makes another one"
        notify(Notice(Severity.SUCCESS, text, (hint,)))
    return opened


def _open(settings: Settings, database: Database) -> tuple[Authentication, str | None]:
    session = settings.written.api.session
    accounts = AccountServices(
        AccountContext(database, SessionLifetimes(session.idle, session.absolute))
    )
    oidc = read_oidc(settings)
    return Authentication(accounts, oidc), accounts.administration.begin_first_run()


def read_oidc(settings: Settings) -> Oidc | None:
    """The OIDC provider of the settings; none if it is off."""
    written, api = settings.written.api.oidc, settings.resolved.api
    if written.issuer is None or written.client_id is None:
        return None
    secret = None
    if api.client_secret is not None:
        try:
            secret = read_regular(api.client_secret, 64 * 1024).decode().strip()
        except OSError as error:
            raise ControlError(
                f"cannot read api.oidc.client_secret_file {api.client_secret}: {error.strerror}"
            ) from error
    return Oidc(
        OidcSetup(
            issuer=written.issuer,
            client_id=written.client_id,
            client_secret=secret,
            scopes=written.scopes,
            groups_claim=written.groups_claim,
            roles={group: Role.of(word) for group, word in written.roles.items()},
        )
    )
