"""``/sessions``: who is logged in, from where, and ending that."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from keyhole.api.dependencies import AuthenticationService, Client, account_actor
from keyhole.api.pagination import Page
from keyhole.api.principal import Principal, Viewer
from keyhole.api.problem import ApiProblem
from keyhole.model.role import Role

router = APIRouter(prefix="/sessions", tags=["sessions"])

Id = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The id of the session.")]


class Session(BaseModel):
    """Somebody who is logged in."""

    id: str = Field(description="Names the session; it says nothing of its secret.")
    name: str = Field(description="Whose it is.")
    role: str = Field(description="viewer, operator or administrator.")
    created: datetime = Field(description="When they logged in.")
    seen: datetime = Field(description="When they were seen last, to the minute.")
    ends: datetime = Field(description="When it ends in any case.")
    address: str = Field(description="From where they were seen last.")
    agent: str = Field(description="What their program says of itself.")


@router.get("")
def list_sessions(
    authentication: AuthenticationService,
    caller: Viewer,
    everybody: Annotated[
        bool, Query(description="Those of everybody, which only an administrator may see.")
    ] = False,
) -> Page[Session]:
    """One's own sessions, the newest first; an account has at most 32."""
    if everybody:
        _needs_administrator(caller)
    found = authentication.accounts.administration.sessions(None if everybody else caller.name)
    return Page(
        items=[
            Session(
                id=one.id,
                name=one.name,
                role=one.role.word,
                created=utc_time(one.created),
                seen=utc_time(one.seen),
                ends=utc_time(one.ends),
                address=one.address,
                agent=one.agent,
            )
            for one in found
        ]
    )


@router.delete("/{session}", status_code=204)
def end_session(
    authentication: AuthenticationService, caller: Viewer, client: Client, session: Id
) -> None:
    """Ends one of one's own sessions; an administrator may end any."""
    registry = authentication.accounts.administration
    own = {one.id for one in registry.sessions(caller.name)}
    if session not in own:
        _needs_administrator(caller)
    registry.end_session(session, account_actor(caller, client))


def utc_time(seconds: int) -> datetime:
    """A second of Unix time as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC)


def _needs_administrator(caller: Principal) -> None:
    if caller.role < Role.ADMINISTRATOR:
        detail = "these are sessions of others, which only an administrator may see and end"
        raise ApiProblem(403, "role_too_low", detail)
