"""``/simulate``: the effect of a change on past queries, before it is made."""

import time
from collections import Counter
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, model_validator

from keyhole.api.decisions import DecisionCreate
from keyhole.api.dependencies import Simulations, StoredDocuments
from keyhole.api.explain import Cause
from keyhole.api.history_times import from_micros, history_errors, to_micros
from keyhole.api.principal import Operator
from keyhole.api.problem import ApiProblem
from keyhole.api.request_body import RequestBody
from keyhole.api.turns import Turns
from keyhole.control.changes import ChangeRequest, Changes
from keyhole.control.changes.change_request import MAX_OCTETS
from keyhole.control.history_simulation import HistorySimulation, SimulationService
from keyhole.control.overrides import DecisionRequest
from keyhole.control.simulate import Change

router = APIRouter(prefix="/simulate", tags=["documents"])

_TURNS = Turns("another simulation is running")
_WEEK_US = 7 * 86_400_000_000
MAX_CHANGES = 1_000
ChangeKind = Literal["newly blocked", "newly allowed", "other reason", "would be observed"]


class SimulateRequest(RequestBody):
    """The change, documents or a decision, and the time span of the past queries."""

    text: str | None = Field(
        None,
        max_length=MAX_OCTETS,
        description="A stream of YAML documents, as for applying them.",
    )
    decision: DecisionCreate | None = Field(
        None, description="A decision, as for making it; past queries are judged without its end."
    )
    since: datetime | None = Field(None, description="The start; by default a week before the end.")
    until: datetime | None = Field(None, description="The end, exclusive; by default now.")
    limit: int = Field(
        100, ge=1, le=MAX_CHANGES, description="Maximum number of changes in the response."
    )

    @model_validator(mode="after")
    def _is_one_change(self) -> "SimulateRequest":
        if (self.text is None) == (self.decision is None):
            raise ValueError("give either text or decision")
        return self


class SimulatedChange(BaseModel):
    """Equal past queries that would end in another way."""

    what: ChangeKind = Field(description="The kind of change.")
    client: str | None = Field(description="The client; null if the log does not name it.")
    client_kind: Literal["identity", "token", "address", "anonymous"] = Field(
        description="What kind of name the client has."
    )
    name: str = Field(description="The name.")
    type: str = Field(description="The record type.")
    queries: int = Field(description="Number of queries.")
    before: str = Field(description="The reason in the log.")
    after: str = Field(description="The reason with the change.")
    cause: Cause | None = Field(description="What decides with the change.")


class SimulationResult(BaseModel):
    """What past queries would have got if the change had been in force.

    Only differences that the change makes are counted: a query that ends in another way than in the
    log because of an earlier change is not.
    """

    since: datetime = Field(
        description="The start of the queries that were judged; later than asked if there are more "
        "than can be judged."
    )
    until: datetime = Field(description="The end, exclusive.")
    judged: int = Field(description="Queries that were judged.")
    changed: int = Field(description="Those of them that would end in another way.")
    by_kind: dict[ChangeKind, int] = Field(description="Changed queries by kind of change.")
    clients: int = Field(description="Different clients among the changed queries.")
    names: int = Field(description="Different names among the changed queries.")
    changes: list[SimulatedChange] = Field(description="The changes, the most frequent first.")
    more_changes: int = Field(description="Changes beyond the limit.")
    left_out: int = Field(
        description="Queries of this time that were not judged, because there are too many "
        "different ones."
    )
    not_judged: dict[str, int] = Field(
        description="Queries that no document decides, such as malformed ones, by reason; "
        "client_not_logged where the log has no client, and its policy is not that of this machine."
    )
    anonymous: int = Field(
        description="Judged queries whose client is not in the log: judged as one on this machine "
        "without credentials."
    )
    undecidable: int = Field(
        description="Judged queries that were blocked because of the answer, which only an "
        "upstream knows."
    )


@router.post("")
async def simulate_change(
    simulations: Simulations,
    changes: StoredDocuments,
    _: Operator,
    request: Request,
    body: SimulateRequest,
) -> SimulationResult:
    """Judges the queries of the history under a draft of documents or a decision, and counts those
    that would end in another way. Nothing changes, and no query is sent. One simulation runs at a
    time, others wait for it; each covers at most about a million queries, or twenty million for a
    decision."""
    until = to_micros(body.until) or int(time.time() * 1_000_000)
    since = to_micros(body.since)
    since = until - _WEEK_US if since is None else since
    if since >= until:
        raise ApiProblem(422, "not_valid", "since must be before until")
    async with _TURNS.take(request):
        with history_errors():
            found = await _simulate(simulations, changes, body, since, until)
    return _result(found, body.limit)


async def _simulate(
    simulations: SimulationService,
    changes: Changes,
    body: SimulateRequest,
    since: int,
    until: int,
) -> HistorySimulation:
    if body.decision is not None:
        decision = DecisionRequest(**body.decision.model_dump())
        return await simulations.of_decision(decision, since, until)
    drafts = await changes.read_requests(body.text or "", "draft")
    # A draft is compared with what is in force, whatever version it began with.
    latest = [ChangeRequest(one.kind, one.name, one.text) for one in drafts]
    return await simulations.of_documents(latest, since, until)


def _result(found: HistorySimulation, limit: int) -> SimulationResult:
    simulation = found.simulation
    ordered = sorted(simulation.changes, key=lambda one: -one.count)
    kinds: Counter[ChangeKind] = Counter()
    for one in ordered:
        kinds[one.what] += one.count
    return SimulationResult(
        since=from_micros(found.since),
        until=from_micros(found.until),
        judged=simulation.judged,
        changed=kinds.total(),
        by_kind=dict(kinds),
        clients=len({one.who for one in ordered}),
        names=len({one.name for one in ordered}),
        changes=[_shown(one) for one in ordered[:limit]],
        more_changes=max(0, len(ordered) - limit),
        left_out=found.left_out,
        not_judged=dict(simulation.not_judged),
        anonymous=simulation.anonymous,
        undecidable=simulation.undecidable,
    )


def _shown(one: Change) -> SimulatedChange:
    return SimulatedChange(
        what=one.what,
        client=one.who.value or None,
        client_kind=one.who.kind,
        name=one.name,
        type=one.kind,
        queries=one.count,
        before=one.before,
        after=one.after,
        cause=None if one.cause is None else Cause(**one.cause),
    )
