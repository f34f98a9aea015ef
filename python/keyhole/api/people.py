"""``/people``: accounts, and what each may do."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from keyhole.accounts import Account
from keyhole.api.dependencies import AuthenticationService, Client, account_actor
from keyhole.api.pagination import Page
from keyhole.api.principal import Administrator, Principal
from keyhole.api.problem import ApiProblem
from keyhole.api.sessions import utc_time
from keyhole.model.role import Role

router = APIRouter(prefix="/people", tags=["people"])

RoleWord = Literal["viewer", "operator", "administrator"]
Name = Annotated[str, Path(min_length=1, max_length=63, description="The name of the account.")]


class Person(BaseModel):
    """An account."""

    name: str = Field(description="By which the person logs in.")
    role: RoleWord = Field(description="What the person may do.")
    is_disabled: bool = Field(description="Whether the person is kept out.")
    must_change_password: bool = Field(description="Whether only a one-time password is set.")
    has_second_factor: bool = Field(description="Whether logging in needs a code.")
    created: datetime = Field(description="When the account was made.")
    last_login: datetime | None = Field(description="When the person logged in last.")


class PersonCreate(BaseModel):
    """A new account."""

    name: str = Field(min_length=1, max_length=63, description="By which the person logs in.")
    role: RoleWord = Field(description="What the person may do.")


class PersonUpdate(BaseModel):
    """What is to change; what is left out stays."""

    role: RoleWord | None = Field(None, description="What the person may do.")
    is_disabled: bool | None = Field(None, description="Whether the person is kept out.")


class PersonReset(BaseModel):
    """How much is taken away."""

    second_factor: bool = Field(
        False, description="Whether the second factor goes as well, because the device is lost."
    )


class OneTimePassword(BaseModel):
    """A password that works once, within a day; it is not shown again."""

    name: str = Field(description="Whose it is.")
    password: str = Field(description="To be changed at the first login.")


class PasswordSet(BaseModel):
    """A password that somebody on this machine chose."""

    password: str = Field(min_length=1, max_length=1024, description="The password.")


@router.get("")
def list_people(authentication: AuthenticationService, _: Administrator) -> Page[Person]:
    """All accounts by name."""
    return Page(items=[_shown(one) for one in authentication.accounts.administration.everybody()])


@router.post("", status_code=201)
def add_person(
    authentication: AuthenticationService, caller: Administrator, client: Client, body: PersonCreate
) -> OneTimePassword:
    """Makes an account with a one-time password."""
    by = account_actor(caller, client)
    password = authentication.accounts.administration.add(body.name, Role.of(body.role), by)
    return OneTimePassword(name=body.name, password=password)


@router.get("/{name}")
def get_person(authentication: AuthenticationService, _: Administrator, name: Name) -> Person:
    """One account."""
    return _shown(authentication.accounts.administration.get(name))


@router.patch("/{name}")
def change_person(
    authentication: AuthenticationService,
    caller: Administrator,
    client: Client,
    name: Name,
    body: PersonUpdate,
) -> Person:
    """Changes what somebody may do, from their next request on. The last administrator stays."""
    registry, by = authentication.accounts.administration, account_actor(caller, client)
    if body.role is not None:
        registry.set_role(name, Role.of(body.role), by)
    if body.is_disabled is not None:
        registry.set_disabled(name, body.is_disabled, by)
    return _shown(registry.get(name))


@router.post("/{name}/reset")
def reset_person(
    authentication: AuthenticationService,
    caller: Administrator,
    client: Client,
    name: Name,
    body: PersonReset,
) -> OneTimePassword:
    """Gives an account a new one-time password, ends its sessions, and forgets its failures."""
    by = account_actor(caller, client)
    password = authentication.accounts.administration.reset(name, by, with_code=body.second_factor)
    return OneTimePassword(name=name, password=password)


@router.put("/{name}/password", status_code=204)
def set_password(
    authentication: AuthenticationService,
    caller: Administrator,
    client: Client,
    name: Name,
    body: PasswordSet,
) -> None:
    """Sets a password; only somebody on this machine may choose one for others."""
    _needs_socket(caller)
    by = account_actor(caller, client)
    authentication.accounts.administration.set_password(name, body.password, by)


@router.delete("/{name}", status_code=204)
def remove_person(
    authentication: AuthenticationService, caller: Administrator, client: Client, name: Name
) -> None:
    """Removes an account, its sessions, and the tokens that it made."""
    authentication.accounts.administration.remove(name, account_actor(caller, client))


def _needs_socket(caller: Principal) -> None:
    if caller.via != "socket":
        detail = "only somebody on this machine chooses passwords for others; reset it instead"
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
