"""Opens the accounts of a running Keyhole, and creates the first administrator."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace

from keyhole.accounts import AccountContext, AccountServices, SessionLifetimes
from keyhole.accounts.administration import FIRST_ACCOUNT
from keyhole.accounts.login_links import LINK_SECONDS
from keyhole.accounts.oidc import Oidc, OidcSetup
from keyhole.control.changes import Changes
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.page_link import ONLY_LOOPBACK, link_url, page_url
from keyhole.control.settings import Settings
from keyhole.errors import KeyholeError
from keyhole.model.role import Role
from keyhole.store import Actor, Database
from keyhole.system import durable
from keyhole.system.regular_file import read_regular

LINK_LIFE = f"within {LINK_SECONDS // 60} minutes"
"""How long a one-time link is valid, in words."""
MAX_HASH = 1024
"""Octets of the hash of a password."""


@dataclass(frozen=True)
class Authentication:
    """The ways to authenticate: accounts and tokens, and perhaps an OIDC provider."""

    accounts: AccountServices
    oidc: Oidc | None
    shown_link: str | None = None
    """The one-time link that the notice of a first run has shown."""

    def is_set_up(self) -> bool:
        """Whether the API may listen on the network: a login other than by one-time password is
        possible."""
        return self.oidc is not None or self.accounts.administration.is_set_up()


async def open_authentication(
    settings: Settings, changes: Changes | None, notify: Notify, data: DataFolder
) -> Authentication | None:
    """Opens the accounts in the database of the documents. If there are none, it creates the first
    administrator and reports the one-time password, which cannot be shown again.

    Returns none, with a notice, if that fails: then nobody can log in.
    """
    if changes is None:
        return None
    try:
        opened, password = await asyncio.to_thread(_open, settings, changes.database, data)
    except KeyholeError as error:
        text = "nobody can log in until keyhole up is started again"
        notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))
        return None
    if password is not None:
        text = f"made the first administrator: log in as {FIRST_ACCOUNT} with {password}"
        hint = "the password works once, within 24 hours; keyhole people reset makes another one"
        ways = _ways_in(settings, opened.shown_link)
        notify(Notice(Severity.SUCCESS, text, (hint, *ways)))
    return opened


def _ways_in(settings: Settings, link: str | None) -> tuple[str, ...]:
    """What the first administrator can do besides, as lines of the notice."""
    if link is not None:
        return (f"or open {link}", f"which signs in once, {LINK_LIFE}")
    if not settings.written.api.listen:
        return ()
    password = f"keyhole people password {FIRST_ACCOUNT}"
    return (f"{ONLY_LOOPBACK}; choose a password with {password}, which opens the others",)


def first_link(settings: Settings, authentication: Authentication) -> str | None:
    """A link that signs in as the first administrator; none if the page has no address that is open
    now, or the account does not exist any more."""
    page = page_url(settings.written.api, is_set_up=authentication.is_set_up())
    if page is None:
        return None
    try:
        secret = authentication.accounts.links.create(FIRST_ACCOUNT, Actor("keyhole", "start"))
    except KeyholeError:
        return None
    return link_url(page, secret)


def _open(
    settings: Settings, database: Database, data: DataFolder
) -> tuple[Authentication, str | None]:
    session = settings.written.api.session
    accounts = AccountServices(
        AccountContext(database, SessionLifetimes(session.idle, session.absolute))
    )
    oidc = read_oidc(settings)
    password = accounts.administration.begin_first_run(_chosen(data))
    with suppress(OSError):
        durable.remove(data.first_password)
    opened = Authentication(accounts, oidc)
    if password is not None:
        opened = replace(opened, shown_link=first_link(settings, opened))
    return opened, password


def _chosen(data: DataFolder) -> str | None:
    """The hash that ``keyhole setup`` has left; none where it has not."""
    with suppress(OSError, UnicodeDecodeError):
        return read_regular(data.first_password, MAX_HASH).decode().strip() or None
    return None


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
