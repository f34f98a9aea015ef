"""``/client-tokens``: tokens of devices that cannot hold a certificate."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Credentials, credential_author
from keyhole.api.engines import Delivery
from keyhole.api.pagination import Page
from keyhole.api.principal import Administrator, Viewer
from keyhole.api.request_body import RequestBody

router = APIRouter(prefix="/client-tokens", tags=["client tokens"])


class ClientToken(BaseModel):
    """A token of a client, without its secret: Keyhole keeps only a digest of that."""

    name: str = Field(description="Its name; in policies it is token:NAME.")
    created: datetime = Field(description="When it was created.")
    last_used: datetime | None = Field(
        description="Its last query of the last 30 days; null if there is none."
    )


class ClientTokenCreate(RequestBody):
    """A new token."""

    name: str = Field(min_length=1, max_length=63, description="The name of the device.")
    replace: bool = Field(False, description="Whether to replace a token of this name.")
    why: str | None = Field(None, max_length=500, description="Reason for the audit record.")


class ClientTokenCreated(BaseModel):
    """A token with its secret, which cannot be shown again."""

    name: str = Field(description="Its name.")
    secret: str = Field(description="The token: 32 characters.")
    doh: str | None = Field(description="The URL of DNS over HTTPS with it; null without DoH.")
    dot: str | None = Field(
        description="Name and port of DNS over TLS with it; null without DoT, or where the server "
        "has no name."
    )
    notes: list[str] = Field(description="What to know about its use.")
    engines: list[Delivery] = Field(description="Each engine, and whether it has it.")


class ClientTokenRevoked(BaseModel):
    """Which engines refuse the token."""

    engines: list[Delivery] = Field(description="Each engine, and whether it has it.")


@router.get("")
def list_client_tokens(credentials: Credentials, _: Viewer) -> Page[ClientToken]:
    """Lists all tokens of clients, oldest first."""
    uses = {one.value: at for one, at in credentials.last_uses().items() if one.kind == "token"}
    return Page(
        items=[
            ClientToken(name=one.name, created=one.created, last_used=uses.get(one.name))
            for one in credentials.tokens()
        ]
    )


@router.post("", status_code=201)
async def create_client_token(
    credentials: Credentials, caller: Administrator, request: Request, body: ClientTokenCreate
) -> ClientTokenCreated:
    """Creates a token for a device. It is shown once. One that it replaces ends at once."""
    author = credential_author(caller, request, body.why)
    made, deliveries = await credentials.create_token(
        body.name, replace=body.replace, author=author
    )
    return ClientTokenCreated(
        name=body.name,
        secret=made.secret,
        doh=made.doh,
        dot=made.dot,
        notes=made.notes,
        engines=[Delivery(**vars(one)) for one in deliveries],
    )


@router.delete("/{name}")
async def revoke_client_token(
    credentials: Credentials,
    caller: Administrator,
    request: Request,
    name: Annotated[str, Path(min_length=1, max_length=63, description="The name of the token.")],
    why: Annotated[
        str | None, Query(max_length=500, description="Reason for the audit record.")
    ] = None,
) -> ClientTokenRevoked:
    """Revokes a token, also for open connections. Returns when each engine has it, after ten
    seconds at the latest."""
    author = credential_author(caller, request, why)
    deliveries = await credentials.revoke_token(name, author)
    return ClientTokenRevoked(engines=[Delivery(**vars(one)) for one in deliveries])
