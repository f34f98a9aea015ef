"""``/session``: login, logout, and the password of the caller."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from keyhole.accounts import Login, Session
from keyhole.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from keyhole.api.cookies import clear_session, read_session, set_session
from keyhole.api.dependencies import Auth, Client, CurrentSession, account_actor
from keyhole.api.principal import Viewer
from keyhole.api.request_body import RequestBody

router = APIRouter(prefix="/session", tags=["session"])

Password = Annotated[str, Field(min_length=1, max_length=1024, description="The password.")]
Code = Annotated[
    str, Field(min_length=6, max_length=32, description="Six digits, or a recovery code.")
]


class LoginRequest(RequestBody):
    """The credentials for a login."""

    name: str = Field(min_length=1, max_length=64, description="The name of the account.")
    password: Password
    code: Code | None = Field(
        None, description="If the account has a second factor: six digits, or a recovery code."
    )


class LinkLogin(RequestBody):
    """The secret of a one-time link."""

    secret: str = Field(
        min_length=1, max_length=512, description="What follows #link= in the link."
    )
    code: Code | None = Field(
        None, description="If the account has a second factor: six digits, or a recovery code."
    )


class PasswordChange(RequestBody):
    """A new password for the caller."""

    current: Password | None = Field(
        None, description="The current password; not needed if it is a one-time password."
    )
    new: str = Field(
        min_length=1,
        max_length=1024,
        description=f"The new password, {MIN_LENGTH} to {MAX_LENGTH} characters.",
    )


class CurrentUser(BaseModel):
    """The caller."""

    name: str = Field(description="The name of the caller in the audit record.")
    role: str = Field(description="viewer, operator or administrator.")
    via: str = Field(description="How the caller authenticated: session, token or socket.")
    must_change_password: bool = Field(
        description="Whether a new password must be set before any other request."
    )
    has_second_factor: bool = Field(description="Whether login needs a code.")
    has_password: bool = Field(
        description="Whether the caller has a password here; false for people of an identity "
        "provider, for tokens and for local users."
    )
    session: str | None = Field(description="The ID of the session; null without one.")


@router.post("")
def log_in(
    auth: Auth, body: LoginRequest, client: Client, request: Request, response: Response
) -> CurrentUser:
    """Logs in with a password, and with a code if the account has a second factor. Sets the cookie
    of a new session. Repeated failures are delayed, by account and by address."""
    accounts = auth.accounts
    login = Login(body.name, body.password, body.code)
    secret = accounts.logins.log_in(login, client, before=read_session(request.scope))
    _set_cookie(auth, secret, request, response)
    session = accounts.logins.session(secret, client)
    assert session is not None, "it has just begun"
    return _current_user(auth, session)


@router.post("/link")
def log_in_by_link(
    auth: Auth, body: LinkLogin, client: Client, request: Request, response: Response
) -> CurrentUser:
    """Logs in with a one-time link, which takes the place of the password: once, and within 15
    minutes. An account with a second factor needs a code as well. Sets the cookie of a new
    session."""
    links, before = auth.accounts.links, read_session(request.scope)
    secret = links.log_in(body.secret, body.code, client, before=before)
    _set_cookie(auth, secret, request, response)
    session = auth.accounts.logins.session(secret, client)
    assert session is not None, "it has just begun"
    return _current_user(auth, session)


@router.get("")
def get_current_user(auth: Auth, caller: Viewer, request: Request) -> CurrentUser:
    """Returns the caller and their role."""
    session = getattr(request.state, "session", None)
    if isinstance(session, Session):
        return _current_user(auth, session)
    return CurrentUser(
        name=caller.name,
        role=caller.role.word,
        via=caller.via,
        must_change_password=False,
        has_second_factor=False,
        has_password=False,
        session=None,
    )


@router.delete("", status_code=204)
def log_out(
    auth: Auth,
    caller: Viewer,
    session: CurrentSession,
    client: Client,
    request: Request,
    response: Response,
) -> None:
    """Ends the session, and deletes its cookie."""
    auth.accounts.logins.log_out(session, account_actor(caller, client))
    clear_session(response, request.scope)


@router.put("/password")
def change_password(
    auth: Auth,
    _: Viewer,
    session: CurrentSession,
    body: PasswordChange,
    client: Client,
    request: Request,
    response: Response,
) -> CurrentUser:
    """Changes the caller's password. Ends all sessions of the account and begins a new one."""
    accounts = auth.accounts
    secret = accounts.self_service.change_password(session, body.current, body.new, client)
    _set_cookie(auth, secret, request, response)
    begun = accounts.logins.session(secret, client)
    assert begun is not None, "it has just begun"
    return _current_user(auth, begun)


def _set_cookie(auth: Auth, secret: str, request: Request, response: Response) -> None:
    seconds = auth.accounts.context.lifetimes.absolute
    set_session(response, request.scope, secret, seconds)


def _current_user(auth: Auth, session: Session) -> CurrentUser:
    has_code = False
    if session.person is not None:
        has_code = auth.accounts.administration.get(session.person).has_code
    return CurrentUser(
        name=session.name,
        role=session.role.word,
        via="session",
        must_change_password=session.must_change,
        has_second_factor=has_code,
        has_password=session.person is not None,
        session=session.id,
    )
