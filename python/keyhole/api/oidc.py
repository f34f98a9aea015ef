"""``/oidc``: login with an identity provider (OpenID Connect)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from keyhole.accounts.oidc import AuthorizationResponse, Oidc, OidcLoginError, ProviderError
from keyhole.accounts.oidc.flow import LOGIN_STATE_SECONDS
from keyhole.api.cookies import (
    clear_login_state,
    read_login_state,
    read_session,
    set_login_state,
    set_session,
)
from keyhole.api.dependencies import Auth, Client
from keyhole.api.problem import ApiProblem

router = APIRouter(prefix="/oidc", tags=["oidc"])

_CALLBACK = "/api/v1/oidc/callback"
_REFUSED, _UNREACHABLE = "#provider=refused", "#provider=unreachable"
"""What the page is told of a login that failed. The details are in the audit record: a text in an
address could be anybody's."""
PageAddress = Annotated[
    # Only an address of our page: no other host (//, \\), none of the API, no fragment.
    str | None,
    Query(
        max_length=2_048,
        pattern=r'^/([!-"$-.0-\[\]-~][!-"$-\[\]-~]*)?$',
        description="The page to show after the login, such as /log; without it the callback "
        "returns JSON.",
    ),
]
Parameter = Annotated[str | None, Query(max_length=4_096, description="Set by the provider.")]


class LoginProvider(BaseModel):
    """Whether login with an identity provider is possible."""

    is_offered: bool = Field(description="Whether an identity provider is configured.")


class LoginResult(BaseModel):
    """The person that has logged in."""

    name: str = Field(description="The name of the person in the audit record.")
    role: str = Field(description="viewer, operator or administrator.")


@router.get("")
def get_login_provider(auth: Auth) -> LoginProvider:
    """Shows whether login with an identity provider is possible."""
    return LoginProvider(is_offered=auth.oidc is not None)


@router.get(
    "/login",
    status_code=303,
    response_class=RedirectResponse,
    responses={303: {"description": "Redirect to the provider."}},
)
def begin_login(auth: Auth, request: Request, to: PageAddress = None) -> RedirectResponse:
    """Redirects the browser to the provider. The login must complete within ten minutes."""
    if to is not None and to.startswith("/api"):
        raise ApiProblem(422, "not_valid", "to is an address of the page, such as /log")
    try:
        begun = _provider(auth).begin(_redirect_uri(request), to or "")
    except ProviderError:
        if to is None:
            raise
        return RedirectResponse(to + _UNREACHABLE, 303)
    response = RedirectResponse(begun.url, 303)
    set_login_state(response, request.scope, begun.sealed, LOGIN_STATE_SECONDS)
    return response


@router.get(
    "/callback",
    response_model=LoginResult,
    responses={303: {"description": "Redirect to the page that the person wanted."}},
)
def finish_login(
    auth: Auth,
    client: Client,
    request: Request,
    response: Response,
    state: Parameter = None,
    code: Parameter = None,
    error: Parameter = None,
    iss: Parameter = None,
) -> LoginResult | RedirectResponse:
    """Completes a login: the provider redirects the browser here. Sets the cookie of a new session.
    Only the browser that began the login can complete it."""
    oidc, accounts = _provider(auth), auth.accounts
    sealed, uri = read_login_state(request.scope), _redirect_uri(request)
    page = oidc.page_of(sealed)
    try:
        person = oidc.finish(AuthorizationResponse(state, code, error, iss, sealed, uri))
    except (OidcLoginError, ProviderError) as refused:
        if isinstance(refused, OidcLoginError):
            accounts.logins.refused_by_provider(refused.name, client, str(refused))
        if not page:
            raise
        why = _REFUSED if isinstance(refused, OidcLoginError) else _UNREACHABLE
        response = RedirectResponse(page + why, 303)
        clear_login_state(response, request.scope)
        return response
    before = read_session(request.scope)
    secret = accounts.logins.log_in_by_provider(person.name, person.role, client, before)
    if page:
        response = RedirectResponse(page, 303)
    set_session(response, request.scope, secret, accounts.context.lifetimes.absolute)
    clear_login_state(response, request.scope)
    if isinstance(response, RedirectResponse):
        return response
    return LoginResult(name=person.name, role=person.role.word)


def _provider(auth: Auth) -> Oidc:
    if auth.oidc is None:
        detail = "no identity provider is configured (api.oidc in keyhole.yaml)"
        raise ApiProblem(404, "no_provider", detail)
    return auth.oidc


def _redirect_uri(request: Request) -> str:
    # The middleware has checked scheme and host.
    return f"{request.scope['scheme']}://{request.headers['host']}{_CALLBACK}"
