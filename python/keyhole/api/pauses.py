"""``/pauses``: pausing blocking for a time."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Pauses
from keyhole.api.documents import actor_of
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Principal, Viewer
from keyhole.api.request_body import RequestBody
from keyhole.control.overrides import PauseService
from keyhole.model.overrides import MAX_PAUSE
from keyhole.store.overrides import StoredPause

router = APIRouter(prefix="/pauses", tags=["pauses"])

Policy = Annotated[str, Path(max_length=63, description="The name of the policy.")]


class Pause(BaseModel):
    """A pause: block rules and block lists only record what they would have blocked."""

    policy: str | None = Field(description="The policy; null for all policies.")
    since: datetime = Field(description="When it began.")
    until: datetime = Field(description="When it ends, by the clock of the engine.")
    who: str = Field(description="Who made it.")
    why: str | None = Field(description="The reason that they gave.")


class PauseCreate(RequestBody):
    """A new pause."""

    seconds: int = Field(ge=1, le=MAX_PAUSE, description="Duration in seconds; at most a day.")
    policy: str | None = Field(
        None, min_length=1, max_length=63, description="The policy; null for all policies."
    )
    why: str | None = Field(None, max_length=500, description="Reason for the audit record.")


class PauseResult(BaseModel):
    """The pause, and whether it is in force."""

    pause: Pause = Field(description="The pause.")
    is_in_force: bool = Field(description="Whether the engine uses it already.")
    why_not: str = Field(description="Why it is not in force yet; empty if it is.")


class ResumeResult(BaseModel):
    """The result of ending pauses."""

    ended: int = Field(description="Number of pauses that were ended.")
    is_in_force: bool = Field(description="Whether the engine uses it already.")
    why_not: str = Field(description="Why it is not in force yet; empty if it is.")


@router.get("")
def list_pauses(pauses: Pauses, _: Viewer) -> Page[Pause]:
    """Lists the active pauses: at most one for each policy and one for all policies."""
    return Page(items=[_shown(one) for one in pauses.active()])


@router.post("")
async def pause_blocking(
    pauses: Pauses, caller: Operator, request: Request, body: PauseCreate
) -> PauseResult:
    """Pauses blocking at once, in one policy or in all, replacing an earlier pause.

    Block rules and block lists then only record. Important rules, decisions and a default of deny
    stay in force, so a pause allows nothing that was never allowed.
    """
    kept, result = await pauses.pause(
        body.seconds, actor_of(caller, request), policy=body.policy, why=body.why
    )
    return PauseResult(pause=_shown(kept), is_in_force=result.is_in_force, why_not=result.why)


@router.delete("")
async def resume_all(pauses: Pauses, caller: Operator, request: Request) -> ResumeResult:
    """Ends all pauses."""
    return await _resume(pauses, caller, request, None)


@router.delete("/{policy}")
async def resume_policy(
    pauses: Pauses, caller: Operator, request: Request, policy: Policy
) -> ResumeResult:
    """Ends the pause of one policy, but not a pause of all policies."""
    return await _resume(pauses, caller, request, policy)


async def _resume(
    pauses: PauseService, caller: Principal, request: Request, policy: str | None
) -> ResumeResult:
    ended, result = await pauses.resume(actor_of(caller, request), policy=policy)
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
