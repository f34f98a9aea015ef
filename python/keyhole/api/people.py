"""``/people``: accounts and their roles."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.accounts import Account, Session
from keyhole.accounts.login_links import LINK_SECONDS
from keyhole.api.dependencies import Auth, Client, RunningServices, account_actor
from keyhole.api.pagination import Page
from keyhole.api.principal import Administrator, Principal
from keyhole.api.problem import ApiProblem
from keyhole.api.request_body import RequestBody
from keyhole.api.sessions import utc_time
from keyhole.control.page_link import ONLY_LOOPBACK, link_url, page_url
from keyhole.model.role import Role

router = APIRouter(prefix="/people", tags=["people"])

RoleWord = Literal["viewer", "operator", "administrator"]
Name = Annotated[str, Path(min_length=1, max_length=63, description="The name of the account.")]


class Person(BaseModel):
    """The account of a person."""

    name: str = Field(description="The login name.")
    role: RoleWord = Field(description="The role of the person.")
    is_disabled: bool = Field(description="Whether login is disabled.")
    must_change_password: bool = Field(description="Whether the password is a one-time password.")
    has_second_factor: bool = Field(description="Whether login needs a code.")
    created: datetime = Field(description="When the account was created.")
    last_login: datetime | None = Field(description="The time of the last login.")


class PersonCreate(RequestBody):
    """A new account."""

    name: str = Field(min_length=1, max_length=63, description="The login name.")
    role: RoleWord = Field(description="The role of the person.")


class PersonUpdate(RequestBody):
    """Changes of an account; omitted fields stay the same."""

    role: RoleWord | None = Field(None, description="The role of the person.")
    is_disabled: bool | None = Field(None, description="Whether login is disabled.")


class PersonReset(RequestBody):
    """What to reset besides the password."""

    second_factor: bool = Field(
        False, description="Whether to remove the second factor, for example a lost device."
    )


class OneTimePassword(BaseModel):
    """A password that works once, within a day. It cannot be shown again."""

    name: str = Field(description="The name of the account.")
    password: str = Field(description="The password, to be changed at the first login.")


class LoginLink(BaseModel):
    """A link that signs in once. It cannot be shown again."""

    name: str = Field(description="The name of the account.")
    url: str = Field(
        description="The address of the page on this machine, with a secret behind #, which "
        "browsers send to no server."
    )
    seconds: int = Field(description="How long it is valid.")


class PasswordSet(RequestBody):
    """A password that a local user chose."""

    password: str = Field(min_length=1, max_length=1024, description="The password.")


@router.get("")
def list_people(auth: Auth, _: Administrator) -> Page[Person]:
    """Lists all accounts, ordered by name."""
    return Page(items=[_shown(one) for one in auth.accounts.administration.everybody()])


@router.post("", status_code=201)
def add_person(
    auth: Auth, caller: Administrator, client: Client, body: PersonCreate
) -> OneTimePassword:
    """Creates an account with a one-time password."""
    by = account_actor(caller, client)
    password = auth.accounts.administration.add(body.name, Role.of(body.role), by)
    return OneTimePassword(name=body.name, password=password)


@router.get("/{name}")
def get_person(auth: Auth, _: Administrator, name: Name) -> Person:
    """Returns one account."""
    return _shown(auth.accounts.administration.get(name))


@router.patch("/{name}")
def change_person(
    auth: Auth, caller: Administrator, client: Client, name: Name, body: PersonUpdate
) -> Person:
    """Changes an account, from its next request on. The last administrator must remain."""
    registry, by = auth.accounts.administration, account_actor(caller, client)
    if body.role is not None:
        registry.set_role(name, Role.of(body.role), by)
    if body.is_disabled is not None:
        registry.set_disabled(name, body.is_disabled, by)
    return _shown(registry.get(name))


@router.post("/{name}/reset")
def reset_person(
    auth: Auth,
    caller: Administrator,
    client: Client,
    request: Request,
    name: Name,
    body: PersonReset,
) -> OneTimePassword:
    """Sets a new one-time password, ends all sessions, and clears the failed logins. A session
    cannot reset its own account: it would end, and with it the only place of the new password."""
    session = getattr(request.state, "session", None)
    if isinstance(session, Session) and session.person == name:
        detail = (
            "you cannot reset your own account: your session would end before you could use the "
            "one-time password; change your password with PUT /api/v1/session/password, or use "
            f"keyhole people reset {name} on the machine"
        )
        raise ApiProblem(409, "own_account", detail)
    by = account_actor(caller, client)
    password = auth.accounts.administration.reset(name, by, with_code=body.second_factor)
    return OneTimePassword(name=name, password=password)


@router.post("/{name}/link", status_code=201)
def make_link(
    auth: Auth, caller: Administrator, client: Client, services: RunningServices, name: Name
) -> LoginLink:
    """Makes a link that signs in to the account once, in place of its password. Ends an earlier
    link of the account. Only a local user may do that."""
    _require_local_user(caller, "only a user of this machine may make a link that signs in")
    api = services.settings.written.api
    page = page_url(api, is_set_up=auth.is_set_up())
    if page is None:
        password = f"{ONLY_LOOPBACK}; use keyhole people password {name}"
        why = password if api.listen else "the page has no address: api.listen is empty"
        raise ApiProblem(409, "no_page", why)
    secret = auth.accounts.links.create(name, account_actor(caller, client))
    return LoginLink(name=name, url=link_url(page, secret), seconds=LINK_SECONDS)


@router.put("/{name}/password", status_code=204)
def set_password(
    auth: Auth, caller: Administrator, client: Client, name: Name, body: PasswordSet
) -> None:
    """Sets the password of an account. Only a local user may do that for others."""
    what = "only a user of this machine may choose passwords for others; reset it instead"
    _require_local_user(caller, what)
    by = account_actor(caller, client)
    auth.accounts.administration.set_password(name, body.password, by)


@router.delete("/{name}", status_code=204)
def remove_person(auth: Auth, caller: Administrator, client: Client, name: Name) -> None:
    """Removes an account, its sessions, and the tokens that it created."""
    auth.accounts.administration.remove(name, account_actor(caller, client))


def _require_local_user(caller: Principal, detail: str) -> None:
    if caller.via != "socket":
        raise ApiProblem(403, "not_from_here", detail)


def _shown(account: Account) -> Person:
    return Person(
        name=account.name,
        role=account.role.word,
        is_disabled=account.is_disabled,
        must_change_password=account.must_change,
        has_second_factor=account.has_code,
        created=utc_time(account.created),
        last_login=None if account.last_login is None else utc_time(account.last_login),
    )
