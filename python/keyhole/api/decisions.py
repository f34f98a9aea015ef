"""``/decisions``: names that people allowed or blocked, for a time or until they remove it."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Decisions, RunningServices
from keyhole.api.documents import actor_of
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Viewer
from keyhole.api.query_criteria import query_clients
from keyhole.api.request_body import RequestBody
from keyhole.control.overrides import DecisionRequest, DecisionService
from keyhole.model.overrides import MAX_DECISION
from keyhole.policy.client_names import ClientNames
from keyhole.store.overrides import StoredDecision

router = APIRouter(prefix="/decisions", tags=["decisions"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The number of the decision.")]


class Decision(BaseModel):
    """A decision about a name. It overrides lists and rules, except important rules."""

    number: int = Field(description="The number of the decision and of its audit entry.")
    action: Literal["allow", "block"] = Field(description="What it does with the name.")
    name: str = Field(description="The name, such as example.org.")
    below: bool = Field(description="Whether it includes all subdomains of the name.")
    client: str | None = Field(description="The client it applies to; null for all clients.")
    client_name: str | None = Field(
        None, description="The Client document that names this client; null for none."
    )
    since: datetime = Field(description="When it began.")
    until: datetime | None = Field(description="When it ends; null if it has no end.")
    who: str = Field(description="Who made it.")
    why: str | None = Field(description="The reason that they gave.")
    policies: list[str] = Field(description="The policies in which it applies.")
    left_out: list[str] = Field(
        description="Policies in which it does not apply, because they deny by default and the "
        "decision names no client."
    )


class DecisionCreate(RequestBody):
    """A new decision."""

    action: Literal["allow", "block"] = Field(description="What to do with the name.")
    name: str = Field(min_length=1, max_length=1_024, description="The name, such as example.org.")
    below: bool = Field(False, description="Whether to include all subdomains.")
    client: str | None = Field(
        None,
        min_length=1,
        max_length=2_048,
        description="The client it applies to: spiffe://ID, token:NAME, client:NAME, an address "
        "or a network; null for all clients.",
    )
    seconds: int | None = Field(
        None, ge=1, le=MAX_DECISION, description="How long it lasts, in seconds; null for no end."
    )
    why: str | None = Field(None, max_length=500, description="Reason for the audit record.")


class DecisionResult(BaseModel):
    """The decision, and whether it is in force."""

    decision: Decision = Field(description="The decision.")
    is_in_force: bool = Field(description="Whether the engine uses it already.")
    why_not: str = Field(description="Why it is not in force yet; empty if it is.")


class DecisionRemoved(BaseModel):
    """The result of removing a decision."""

    is_in_force: bool = Field(description="Whether the engine has dropped it already.")
    why_not: str = Field(description="Why it is not in force yet; empty if it is.")


@router.get("")
def list_decisions(services: RunningServices, decisions: Decisions, _: Viewer) -> Page[Decision]:
    """Lists the active decisions, newest first; there are at most 500."""
    names = query_clients(services).names
    return Page(items=[_shown(decisions, names, one) for one in decisions.active()])


@router.post("")
async def create_decision(
    services: RunningServices,
    decisions: Decisions,
    caller: Operator,
    request: Request,
    body: DecisionCreate,
) -> DecisionResult:
    """Allows or blocks a name at once, replacing an earlier decision about it.

    Without a client, an allow does not apply in policies that deny by default.
    """
    kept, result = await decisions.decide(
        DecisionRequest(**body.model_dump()), actor_of(caller, request)
    )
    names = (await asyncio.to_thread(query_clients, services)).names
    shown = _shown(decisions, names, kept)
    return DecisionResult(decision=shown, is_in_force=result.is_in_force, why_not=result.why)


@router.delete("/{number}")
async def delete_decision(
    decisions: Decisions, caller: Operator, request: Request, number: Number
) -> DecisionRemoved:
    """Removes a decision."""
    result = await decisions.remove(number, actor_of(caller, request))
    return DecisionRemoved(is_in_force=result.is_in_force, why_not=result.why)


def _shown(decisions: DecisionService, names: ClientNames, kept: StoredDecision) -> Decision:
    decision = kept.decision
    reach = decisions.reach(decision)
    return Decision(
        number=decision.number,
        action=decision.action,
        name=decision.name,
        below=decision.below,
        client=decision.client,
        client_name=None if decision.client is None else names.name_of_subject(decision.client),
        since=datetime.fromtimestamp(decision.since, UTC),
        until=None if decision.until is None else datetime.fromtimestamp(decision.until, UTC),
        who=kept.who,
        why=kept.why,
        policies=list(reach.policies),
        left_out=list(reach.left_out),
    )
