"""``/tokens``: API tokens for programs."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.accounts import ApiToken, Session, TokenSpec
from keyhole.api.dependencies import Auth, Client, account_actor
from keyhole.api.pagination import Page
from keyhole.api.people import RoleWord
from keyhole.api.principal import Administrator
from keyhole.api.problem import ApiProblem
from keyhole.api.request_body import RequestBody
from keyhole.api.sessions import utc_time
from keyhole.model.address import Network, read_network
from keyhole.model.role import Role

router = APIRouter(prefix="/tokens", tags=["tokens"])

_MAX_DAYS = 3_650


class Token(BaseModel):
    """An API token, without its secret. Keyhole stores only a digest of that."""

    name: str = Field(description="The name of the token.")
    role: RoleWord = Field(
        description="Its role; never above the current role of the account that created it, if "
        "there is one."
    )
    networks: list[str] = Field(description="Client networks it may be used from; empty for all.")
    created: datetime = Field(description="When it was created.")
    ends: datetime | None = Field(description="When it expires; null for never.")
    made_by: str = Field(description="Who created it.")
    used: datetime | None = Field(description="The time of its last use, to the minute.")
    used_from: str | None = Field(description="The client address of its last use.")


class TokenCreate(RequestBody):
    """A new API token."""

    name: str = Field(min_length=1, max_length=63, description="The name of the token.")
    role: RoleWord = Field(description="Its role.")
    networks: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list,
        max_length=64,
        description="The client networks it may be used from, such as 192.0.2.0/24; empty for all "
        "that may use the API.",
    )
    days: int | None = Field(
        None,
        ge=1,
        le=_MAX_DAYS,
        description="Days until it expires; null for never, which a session through an identity "
        "provider may not choose.",
    )


class TokenCreated(BaseModel):
    """A token with its secret, which cannot be shown again."""

    name: str = Field(description="The name of the token.")
    secret: str = Field(description="The secret, to be sent as Authorization: Bearer SECRET.")


@router.get("")
def list_tokens(auth: Auth, _: Administrator) -> Page[Token]:
    """Lists all tokens, ordered by name."""
    return Page(items=[_shown(one) for one in auth.accounts.administration.tokens()])


@router.post("", status_code=201)
def create_token(
    auth: Auth, caller: Administrator, client: Client, request: Request, body: TokenCreate
) -> TokenCreated:
    """Creates a token. It ends with the account that created it. Users of this machine and people
    of an identity provider have no account: their tokens end when they expire or are revoked, so
    the latter must give days. Tokens cannot create tokens."""
    if caller.via == "token":
        raise ApiProblem(403, "not_by_token", "a token cannot create tokens; log in instead")
    session = getattr(request.state, "session", None)
    maker = session.person if isinstance(session, Session) else None
    if caller.via == "session" and maker is None and body.days is None:
        # Who leaves the provider has nothing here that could be removed with the token.
        detail = "days: give an end, because you have no account here that the token could end with"
        raise ApiProblem(422, "not_valid", detail)
    ends = None
    if body.days is not None:
        ends = int((datetime.now(UTC) + timedelta(days=body.days)).timestamp())
    wanted = TokenSpec(body.name, Role.of(body.role), _networks(body.networks), ends)
    by = account_actor(caller, client)
    return TokenCreated(
        name=body.name, secret=auth.accounts.administration.create_token(wanted, by, maker)
    )


@router.delete("/{name}", status_code=204)
def revoke_token(
    auth: Auth,
    caller: Administrator,
    client: Client,
    name: Annotated[str, Path(min_length=1, max_length=63, description="The name of the token.")],
) -> None:
    """Revokes a token at once."""
    auth.accounts.administration.revoke_token(name, account_actor(caller, client))


def _networks(written: list[str]) -> tuple[Network, ...]:
    try:
        return tuple(read_network(one) for one in written)
    except ValueError as error:
        raise ApiProblem(422, "not_valid", f"networks: {error}") from None


def _shown(token: ApiToken) -> Token:
    return Token(
        name=token.name,
        role=token.role.word,
        networks=[str(one) for one in token.networks],
        created=utc_time(token.created),
        ends=None if token.ends is None else utc_time(token.ends),
        made_by=token.made_by,
        used=None if token.used is None else utc_time(token.used),
        used_from=token.used_from,
    )
