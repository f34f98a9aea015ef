"""``/pauses``: blocking is paused for a while."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Pauses
from keyhole.api.documents import change_actor
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Principal, Viewer
from keyhole.control.overrides import PauseService
from keyhole.model.overrides import MAX_PAUSE
from keyhole.store.overrides import StoredPause

router = APIRouter(prefix="/pauses", tags=["pauses"])

Policy = Annotated[str, Path(max_length=63, description="The policy.")]


class Pause(BaseModel):
    """A pause: block rules and block lists only record what they would have done."""

    policy: str | None = Field(description="The policy; null for all.")
    since: datetime
    until: datetime = Field(description="When it ends, by the clock of the engine alone.")
    who: str
    why: str | None = Field(description="What they said of it.")


class PauseCreate(BaseModel):
    """What is to be paused, and for how long."""

    seconds: int = Field(ge=1, le=MAX_PAUSE, description="How long; at most a day.")
    policy: str | None = Field(
        None, min_length=1, max_length=63, description="The policy; null for all."
    )
    why: str | None = Field(None, max_length=500, description="Why, for the audit record.")


class PauseResult(BaseModel):
    """What came of it."""

    pause: Pause
    is_in_force: bool = Field(description="Whether the engine decides by it already.")
    why_not: str = Field(description="Why it is not in force yet; else empty.")


class ResumeResult(BaseModel):
    """What came of ending pauses."""

    ended: int = Field(description="How many pauses there were.")
    is_in_force: bool = Field(description="Whether the engine decides by it already.")
    why_not: str = Field(description="Why it is not in force yet; else empty.")


@router.get("")
def list_pauses(pauses: Pauses, _: Viewer) -> Page[Pause]:
    """What is paused now; at most one pause for each policy and one for all."""
    return Page(items=[_shown(one) for one in pauses.active()])


@router.post("")
async def pause_blocking(
    pauses: Pauses, caller: Operator, request: Request, body: PauseCreate
) -> PauseResult:
    """Pauses blocking from now on, by one policy or by all, in the place of its last pause.

    Block rules and block lists only record meanwhile. Important rules, decisions and a default that
    denies go on, so that a pause opens nothing that was never allowed.
    """
    kept, result = await pauses.pause(
        body.seconds, change_actor(caller, request), policy=body.policy, why=body.why
    )
    return PauseResult(pause=_shown(kept), is_in_force=result.is_in_force, why_not=result.why)


@router.delete("")
async def resume_all(pauses: Pauses, caller: Operator, request: Request) -> ResumeResult:
    """Ends every pause."""
    return await _resume(pauses, caller, request, None)


@router.delete("/{policy}")
async def resume_policy(
    pauses: Pauses, caller: Operator, request: Request, policy: Policy
) -> ResumeResult:
    """Ends the pause of one policy; that of all is another one and goes on."""
    return await _resume(pauses, caller, request, policy)


async def _resume(
    pauses: PauseService, caller: Principal, request: Request, policy: str | None
) -> ResumeResult:
    ended, result = await pauses.resume(change_actor(caller, request), policy=policy)
    return ResumeResult(ended=ended, is_in_force=result.is_in_force, why_not=result.why)


def _shown(kept: StoredPause) -> Pause:
    pause = kept.pause
    return Pause(
        policy=pause.policy,
        since=datetime.fromtimestamp(pause.since, UTC),
        until=datetime.fromtimestamp(pause.until, UTC),
        who=kept.who,
        why=kept.why,
    )
