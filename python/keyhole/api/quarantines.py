"""``/quarantines``: clients that get no answer until a time, or until somebody lifts it."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Quarantines
from keyhole.api.documents import actor_of
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Viewer
from keyhole.api.request_body import RequestBody
from keyhole.control.overrides.quarantines import MIN_SECONDS
from keyhole.model.overrides import MAX_QUARANTINE
from keyhole.store.overrides import StoredDecision

router = APIRouter(prefix="/quarantines", tags=["quarantines"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The number of the quarantine.")]


class Quarantine(BaseModel):
    """A client whose queries are all refused."""

    number: int = Field(description="Its number, which is also that of its audit entry.")
    client: str = Field(description="Who: spiffe://ID, token:NAME, client:NAME or an address.")
    since: datetime = Field(description="When it began.")
    until: datetime = Field(description="When it ends by itself.")
    who: str = Field(description="Who imposed it; keyhole where a policy did.")
    why: str | None = Field(description="The reason.")


class QuarantineCreate(RequestBody):
    """A new quarantine."""

    client: str = Field(
        min_length=1,
        max_length=2_048,
        description="Who: spiffe://ID, token:NAME, client:NAME, an address or a network.",
    )
    seconds: int = Field(
        ge=MIN_SECONDS, le=MAX_QUARANTINE, description="How long, in seconds; at most 90 days."
    )
    why: str = Field(min_length=1, max_length=500, description="The reason, for whoever reads it.")
    replaces: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="The number of a quarantine of this client that this one replaces although it "
        "ends later.",
    )


class QuarantineLift(RequestBody):
    """Why a quarantine ends."""

    why: str | None = Field(None, max_length=500, description="Reason for the audit record.")


class QuarantineResult(BaseModel):
    """The quarantine, and whether it is in force."""

    quarantine: Quarantine = Field(description="The quarantine.")
    is_in_force: bool = Field(description="Whether every engine refuses the client already.")
    why_not: str = Field(description="Why it is not in force yet; empty if it is.")


class QuarantineLifted(BaseModel):
    """The result of lifting a quarantine."""

    is_in_force: bool = Field(description="Whether every engine serves the client again.")
    why_not: str = Field(description="Why it is not in force yet; empty if it is.")


@router.get("")
def list_quarantines(quarantines: Quarantines, _: Viewer) -> Page[Quarantine]:
    """Lists the quarantines in force, newest first; there are at most 200."""
    return Page(items=[_shown(one) for one in quarantines.active()])


@router.post("")
async def create_quarantine(
    quarantines: Quarantines, caller: Operator, request: Request, body: QuarantineCreate
) -> QuarantineResult:
    """Refuses every query of a client for a time, replacing an earlier quarantine of it; one that
    ends later only where ``replaces`` has its number."""
    kept, result = await quarantines.impose(
        body.client, body.seconds, actor_of(caller, request), body.why, replaces=body.replaces
    )
    return QuarantineResult(
        quarantine=_shown(kept), is_in_force=result.is_in_force, why_not=result.why
    )


@router.post("/{number}/lift")
async def lift_quarantine(
    quarantines: Quarantines,
    caller: Operator,
    request: Request,
    number: Number,
    body: QuarantineLift,
) -> QuarantineLifted:
    """Ends a quarantine before its time."""
    result = await quarantines.lift(number, actor_of(caller, request), body.why)
    return QuarantineLifted(is_in_force=result.is_in_force, why_not=result.why)


def _shown(kept: StoredDecision) -> Quarantine:
    decision = kept.decision
    return Quarantine(
        number=decision.number,
        client=decision.client or "",
        since=datetime.fromtimestamp(decision.since, UTC),
        until=datetime.fromtimestamp(decision.until or 0, UTC),
        who=kept.who,
        why=kept.why,
    )
