"""``/decisions``: names that people allowed or blocked, for now or until they take it back."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Decisions
from keyhole.api.documents import change_actor
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Viewer
from keyhole.control.overrides import DecisionRequest, DecisionService
from keyhole.model.overrides import MAX_DECISION
from keyhole.store.overrides import StoredDecision

router = APIRouter(prefix="/decisions", tags=["decisions"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The number of the decision.")]


class Decision(BaseModel):
    """A decision about a name: it comes before lists and rules, but not before important rules."""

    number: int = Field(description="Also that of its entry in the audit record.")
    action: Literal["allow", "block"]
    name: str
    below: bool = Field(description="Whether it means every name below as well.")
    client: str | None = Field(description="Whom it is about; null for everyone.")
    since: datetime
    until: datetime | None = Field(description="When it ends; null until it is taken back.")
    who: str
    why: str | None = Field(description="What they said of it.")
    policies: list[str] = Field(description="The policies in which it acts.")
    left_out: list[str] = Field(
        description="Policies that it does not open, because they deny by default and no client is "
        "named."
    )


class DecisionCreate(BaseModel):
    """What is decided."""

    action: Literal["allow", "block"]
    name: str = Field(min_length=1, max_length=1_024, description="The name, such as example.org.")
    below: bool = Field(False, description="Whether it means every name below as well.")
    client: str | None = Field(
        None,
        min_length=1,
        max_length=2_048,
        description="Whom it is about: spiffe://ID, token:NAME, client:NAME, an address or a "
        "network; null for everyone.",
    )
    seconds: int | None = Field(
        None,
        ge=1,
        le=MAX_DECISION,
        description="How long it stands; null until it is taken back.",
    )
    why: str | None = Field(None, max_length=500, description="Why, for the audit record.")


class DecisionResult(BaseModel):
    """What came of it."""

    decision: Decision
    is_in_force: bool = Field(description="Whether the engine decides by it already.")
    why_not: str = Field(description="Why it is not in force yet; else empty.")


class DecisionRemoved(BaseModel):
    """What came of taking a decision back."""

    is_in_force: bool = Field(description="Whether the engine decides without it already.")
    why_not: str = Field(description="Why it is not in force yet; else empty.")


@router.get("")
def list_decisions(decisions: Decisions, _: Viewer) -> Page[Decision]:
    """All decisions that stand, the newest first; there are never more than 500."""
    return Page(items=[_shown(decisions, one) for one in decisions.active()])


@router.post("")
async def create_decision(
    decisions: Decisions, caller: Operator, request: Request, body: DecisionCreate
) -> DecisionResult:
    """Allows or blocks a name from now on, in the place of an earlier decision about it.

    For everyone, allow opens no policy that denies by default; name the client for that.
    """
    kept, result = await decisions.decide(
        DecisionRequest(**body.model_dump()), change_actor(caller, request)
    )
    shown = _shown(decisions, kept)
    return DecisionResult(decision=shown, is_in_force=result.is_in_force, why_not=result.why)


@router.delete("/{number}")
async def delete_decision(
    decisions: Decisions, caller: Operator, request: Request, number: Number
) -> DecisionRemoved:
    """Takes a decision back."""
    result = await decisions.remove(number, change_actor(caller, request))
    return DecisionRemoved(is_in_force=result.is_in_force, why_not=result.why)


def _shown(decisions: DecisionService, kept: StoredDecision) -> Decision:
    decision = kept.decision
    reach = decisions.reach(decision)
    return Decision(
        number=decision.number,
        action=decision.action,
        name=decision.name,
        below=decision.below,
        client=decision.client,
        since=datetime.fromtimestamp(decision.since, UTC),
        until=None if decision.until is None else datetime.fromtimestamp(decision.until, UTC),
        who=kept.who,
        why=kept.why,
        policies=list(reach.policies),
        left_out=list(reach.left_out),
    )
