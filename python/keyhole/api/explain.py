"""``/explain``: what would happen to a query, and why."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from keyhole.api.dependencies import Explain
from keyhole.api.history_times import to_micros
from keyhole.api.principal import Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.query_criteria import MAX_NAME_LENGTH
from keyhole.control.explain import ExplainRequest
from keyhole.model.role import Role

router = APIRouter(prefix="/explain", tags=["queries"])


class ExplainStep(BaseModel):
    """One step of a query through the stages."""

    stage: str = Field(description="The stage, such as authorize.")
    what: str = Field(description="What was looked at, such as block rules.")
    result: str = Field(description="What was found.")
    decides: bool = Field(description="Whether this step decides.")
    detail: Any = Field(
        description="Rules, entries and values of the step; its keys depend on the step."
    )


class ExplainClient(BaseModel):
    """Who asks, and which policy applies; all null where none does."""

    client: str | None = Field(description="The Client document.")
    subject: str | None = Field(description="The subject of the policy that matched.")
    policy: str | None = Field(description="The policy.")
    policy_origin: str | None = Field(description="Where the policy is declared.")
    mode: str | None = Field(description="enforce or observe.")
    log: str | None = Field(description="How much is logged: full, anonymous or none.")


class Cause(BaseModel):
    """What decides: a rule, a list entry, a record or a setting; further keys depend on it."""

    model_config = ConfigDict(extra="allow")

    cause: str = Field(
        description="rule, list, record, default, mode, pause, private_addresses, tunneling or "
        "missing_domains."
    )


class Explanation(BaseModel):
    """The decision on a query, and the way to it."""

    name: str = Field(description="The name.")
    type: str = Field(description="The record type.")
    outcome: str = Field(description="answered, blocked, refused, failed or dropped.")
    reason: str = Field(description="The reason for the outcome; see the reference of reasons.")
    meaning: str = Field(description="The meaning of the reason.")
    rcode: int | None = Field(description="The response code; null if an upstream would decide.")
    extended_error: int | None = Field(description="The extended DNS error (RFC 8914).")
    client: ExplainClient | None = Field(description="Who asks, and which policy applies.")
    cause: Cause | None = Field(description="What decides.")
    observed: Cause | None = Field(description="What would block it, but is only observed.")
    looked_up: bool = Field(description="Whether an upstream was asked and answered.")
    chain: list[str] = Field(description="The name, and the names that it leads to.")
    target: str | None = Field(description="The blocked name that it leads to.")
    allow: str | None = Field(description="The name to allow so that it is answered.")
    snapshot: int | None = Field(description="The number of the snapshot in force.")
    steps: list[ExplainStep] = Field(description="The steps, in order.")


@router.get("")
def explain_query(
    service: Explain,
    caller: Viewer,
    name: Annotated[
        str, Query(min_length=1, max_length=MAX_NAME_LENGTH, description="The name of the query.")
    ],
    type: Annotated[  # noqa: A002  (as the field)
        str, Query(max_length=16, description="The record type.")
    ] = "A",
    client: Annotated[
        str | None,
        Query(
            max_length=2_048,
            description="The client: spiffe://ID, expired:spiffe://ID, token:NAME or an address; "
            "by default one on this machine without credentials.",
        ),
    ] = None,
    transport: Annotated[
        Literal["udp", "tcp", "dot", "doh"],
        Query(description="The transport; the verdict is the same."),
    ] = "udp",
    at: Annotated[
        datetime | None, Query(description="When, for schedules; by default now.")
    ] = None,
    lookup: Annotated[
        bool,
        Query(
            description="Whether to ask an upstream for what the name leads to. This needs the "
            "role operator."
        ),
    ] = False,
) -> Explanation:
    """Explains what would happen to a query by the documents in force: the steps of
    ``keyhole explain``. No query is sent, unless a lookup is asked for."""
    if lookup and caller.role < Role.OPERATOR:
        why = (
            f"a lookup sends a query, which needs the role operator; {caller.name} is "
            f"{caller.role.word}: leave lookup out"
        )
        raise ApiProblem(403, "role_too_low", why)
    micros = to_micros(at)
    moment = None if micros is None else micros // 1_000_000
    found = service.explain(ExplainRequest(name, type, transport, client, moment, lookup))
    return Explanation(**found)
