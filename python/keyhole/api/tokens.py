"""``/tokens``: secrets of programs that use the API."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.accounts import ApiToken, Session, TokenSpec
from keyhole.api.dependencies import AuthenticationService, Client, account_actor
from keyhole.api.pagination import Page
from keyhole.api.people import RoleWord
from keyhole.api.principal import Administrator
from keyhole.api.problem import ApiProblem
from keyhole.api.sessions import utc_time
from keyhole.model.address import Network, read_network
from keyhole.model.role import Role

router = APIRouter(prefix="/tokens", tags=["tokens"])

_MAX_DAYS = 3_650


class Token(BaseModel):
    """A token without its secret, of which only a digest is kept."""

    name: str = Field(description="What it is for.")
    role: RoleWord = Field(description="What it may do; never more than its maker may now.")
    networks: list[str] = Field(description="From where it may be used; empty for anywhere.")
    created: datetime = Field(description="When it was made.")
    ends: datetime | None = Field(description="When it ends by itself; null for never.")
    made_by: str = Field(description="Who made it.")
    used: datetime | None = Field(description="When it was used last, to the minute.")
    used_from: str | None = Field(description="From where it was used last.")


class TokenCreate(BaseModel):
    """A new token."""

    name: str = Field(min_length=1, max_length=63, description="What it is for.")
    role: RoleWord = Field(description="What it may do.")
    networks: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list,
        max_length=64,
        description="From where it may be used, such as 192.0.2.0/24; empty for anywhere that the "
        "API may be used from.",
    )
    days: int | None = Field(
        None, ge=1, le=_MAX_DAYS, description="When it ends by itself; null for never."
    )


class TokenCreated(BaseModel):
    """A token with its secret, which is not shown again."""

    name: str = Field(description="What it is for.")
    secret: str = Field(description="To be sent as Authorization: Bearer SECRET.")


@router.get("")
def list_tokens(authentication: AuthenticationService, _: Administrator) -> Page[Token]:
    """All tokens by name."""
    return Page(items=[_shown(one) for one in authentication.accounts.administration.tokens()])


@router.post("", status_code=201)
def create_token(
    authentication: AuthenticationService,
    caller: Administrator,
    client: Client,
    request: Request,
    body: TokenCreate,
) -> TokenCreated:
    """Makes a token. It ends with the account of its maker; a token can make no other one."""
    if caller.via == "token":
        raise ApiProblem(403, "not_by_token", "a token makes no other token; log in instead")
    ends = None
    if body.days is not None:
        ends = int((datetime.now(UTC) + timedelta(days=body.days)).timestamp())
    wanted = TokenSpec(body.name, Role.of(body.role), _networks(body.networks), ends)
    session = getattr(request.state, "session", None)
    maker = session.person if isinstance(session, Session) else None
    by = account_actor(caller, client)
    return TokenCreated(
        name=body.name,
        secret=authentication.accounts.administration.create_token(wanted, by, maker),
    )


@router.delete("/{name}", status_code=204)
def revoke_token(
    authentication: AuthenticationService,
    caller: Administrator,
    client: Client,
    name: Annotated[str, Path(min_length=1, max_length=63, description="The name of the token.")],
) -> None:
    """Ends a token at once."""
    authentication.accounts.administration.revoke_token(name, account_actor(caller, client))


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
