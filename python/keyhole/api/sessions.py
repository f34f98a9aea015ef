"""``/sessions``: listing and ending login sessions."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Auth, Client, account_actor
from keyhole.api.pagination import Page
from keyhole.api.principal import Principal, Viewer
from keyhole.api.problem import ApiProblem
from keyhole.model.role import Role

router = APIRouter(prefix="/sessions", tags=["sessions"])

Id = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The ID of the session.")]


class Session(BaseModel):
    """A login session."""

    id: str = Field(description="The ID of the session, independent of its secret.")
    name: str = Field(description="The name of the account.")
    role: str = Field(description="viewer, operator or administrator.")
    created: datetime = Field(description="The time of the login.")
    seen: datetime = Field(description="The time of the last request, to the minute.")
    ends: datetime = Field(description="When it ends at the latest.")
    address: str = Field(description="The client address of the last request.")
    agent: str = Field(description="The User-Agent of the client.")


@router.get("")
def list_sessions(
    auth: Auth,
    caller: Viewer,
    everybody: Annotated[
        bool, Query(description="Whether to list the sessions of all; administrators only.")
    ] = False,
) -> Page[Session]:
    """Lists the sessions of the caller, newest first; an account has at most 32."""
    if everybody:
        _require_administrator(caller)
    found = auth.accounts.administration.sessions(None if everybody else caller.name)
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
def end_session(auth: Auth, caller: Viewer, client: Client, session: Id) -> None:
    """Ends a session of the caller. An administrator may end any session."""
    registry = auth.accounts.administration
    own = {one.id for one in registry.sessions(caller.name)}
    if session not in own:
        _require_administrator(caller)
    registry.end_session(session, account_actor(caller, client))


def utc_time(seconds: int) -> datetime:
    """Seconds of Unix time as the API shows them."""
    return datetime.fromtimestamp(seconds, UTC)


def _require_administrator(caller: Principal) -> None:
    if caller.role < Role.ADMINISTRATOR:
        detail = "only an administrator may see and end the sessions of others"
        raise ApiProblem(403, "role_too_low", detail)
