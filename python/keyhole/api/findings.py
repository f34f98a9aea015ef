"""``/findings``: clients that a person must look at, with the evidence."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Findings, RunningServices
from keyhole.api.documents import actor_of
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Viewer
from keyhole.api.query_criteria import query_clients
from keyhole.api.request_body import RequestBody
from keyhole.control.clients.model import NAME_SOURCE, NameSource
from keyhole.control.findings import Finding as StoredFinding
from keyhole.control.findings.service import MAX_MUTE
from keyhole.control.services import Services

_RULES = {"split": "tunneling.split", "missing": "missingDomains"}
"""The fields of a policy behind kinds of findings that have one alone."""

router = APIRouter(prefix="/findings", tags=["findings"])

Number = Annotated[int, Path(ge=1, le=2**53, description="The number of the finding.")]


class FindingClient(BaseModel):
    """The client of a finding."""

    kind: Literal["identity", "token", "address", "anonymous", "several"] = Field(
        description="By what it is known. anonymous where the log has no client, or no longer; "
        "several where it is about all clients together."
    )
    value: str = Field(
        description="Its SPIFFE ID, the name of its token, its IPv4 address or its IPv6 network; "
        "empty if anonymous or several."
    )
    name: str | None = Field(
        description="What it is called: by a Client document, else by the name that its address "
        "had at its last query; null for none."
    )
    name_source: NameSource | None = Field(None, description=NAME_SOURCE)


class CurvePoint(BaseModel):
    """What was on the account at a time."""

    time: datetime = Field(description="When.")
    octets: int = Field(
        description="Octets of distinct names within the hour, or the day; of the kind missing, "
        "domains within the hour."
    )


class Finding(BaseModel):
    """A client that became conspicuous below one registered domain."""

    number: int = Field(description="Its number; none is given twice.")
    kind: Literal["tunnel", "split", "missing"] = Field(
        description="tunnel: the names that the client asked for carry more than a budget allows. "
        "split: those that all clients together asked for do, as of a channel split over them. "
        "missing: the client asked for many domains that do not exist."
    )
    client: FindingClient = Field(description="Who.")
    domain: str = Field(description="The registered domain; empty of the kind missing.")
    policy: str | None = Field(description="The policy of its last query.")
    rule: str = Field(description="The budget that was reached, as the field of the policy.")
    level: Literal["alert", "throttle", "block"] = Field(description="How far it came.")
    action: Literal["observed", "throttled", "blocked"] = Field(
        description="What was done: observed if no query was refused."
    )
    first: datetime = Field(
        description="When its first query came, or the oldest one that the log may still have."
    )
    last: datetime = Field(description="When its last one came.")
    octets: int = Field(
        description="The most that was on the account; of the kind missing, the number of domains."
    )
    clients: int | None = Field(
        description="About how many clients the octets came from; null unless several."
    )
    observed: dict[str, int] = Field(description="Queries that passed and were noted, by level.")
    refused: dict[str, int] = Field(description="Queries that were refused, by level.")
    curve: list[CurvePoint] = Field(description="Octets over time; at most 60 points.")
    names: list[str] = Field(
        description="At most 20 of the names, the first and the last ones, as far as the log of "
        "the policy may have them."
    )
    state: Literal["open", "muted", "closed"] = Field(
        description="open: it needs a person. muted: not until a time. closed: dealt with."
    )
    until: datetime | None = Field(description="When a mute ends; null unless muted.")
    who: str | None = Field(description="Who changed the state last; null for nobody.")
    why: str | None = Field(description="The reason that they gave.")


class FindingMute(RequestBody):
    """A mute of a finding."""

    seconds: int = Field(ge=60, le=MAX_MUTE, description="How long, in seconds; at most 366 days.")
    why: str = Field(min_length=1, max_length=500, description="The reason, for whoever reads it.")


class FindingReason(RequestBody):
    """Why the state changes."""

    why: str | None = Field(None, max_length=500, description="Reason for the audit record.")


@router.get("")
def list_findings(
    services: RunningServices,
    findings: Findings,
    _: Viewer,
    state: Annotated[
        Literal["open", "muted", "closed"] | None, Query(description="Only those in this state.")
    ] = None,
) -> Page[Finding]:
    """Lists findings, those with the newest queries first; there are at most 1000."""
    found = [one for one in findings.all() if state is None or one.state == state]
    return Page(items=[_shown(services, one) for one in found])


@router.get("/{number}")
def get_finding(
    services: RunningServices, findings: Findings, _: Viewer, number: Number
) -> Finding:
    """Returns one finding."""
    return _shown(services, findings.find(number))


@router.post("/{number}/mute")
def mute_finding(
    services: RunningServices,
    findings: Findings,
    caller: Operator,
    request: Request,
    number: Number,
    body: FindingMute,
) -> Finding:
    """Keeps a finding out of what needs attention for a time. It goes on counting, and what the
    policy does with the client stays as it is."""
    actor = actor_of(caller, request)
    return _shown(services, findings.mute(number, body.seconds, actor, body.why))


@router.post("/{number}/close")
def close_finding(
    services: RunningServices,
    findings: Findings,
    caller: Operator,
    request: Request,
    number: Number,
    body: FindingReason,
) -> Finding:
    """Says that a finding is dealt with. What comes after it is a new finding."""
    return _shown(services, findings.close(number, actor_of(caller, request), body.why))


@router.post("/{number}/reopen")
def reopen_finding(
    services: RunningServices,
    findings: Findings,
    caller: Operator,
    request: Request,
    number: Number,
    body: FindingReason,
) -> Finding:
    """Ends the mute of a finding, or takes back that it was closed."""
    return _shown(services, findings.reopen(number, actor_of(caller, request), body.why))


def _shown(services: Services, one: StoredFinding) -> Finding:
    evidence = one.evidence
    return Finding(
        number=one.number,
        kind=one.kind,
        client=_client(services, one),
        domain=one.domain,
        policy=one.policy,
        rule=_RULES.get(one.kind, f"tunneling.{one.level}"),
        level=one.level,
        action=_action(one),
        first=_time(one.first),
        last=_time(one.last),
        octets=one.octets,
        clients=evidence.clients if one.client_kind == "several" else None,
        observed=evidence.observed,
        refused=evidence.refused,
        curve=[CurvePoint(time=_time(second), octets=octets) for second, octets in evidence.curve],
        names=[name for name, _ in evidence.names],
        state=one.state,
        until=None if one.until is None else _time(one.until),
        who=one.who,
        why=one.why,
    )


def _client(services: Services, one: StoredFinding) -> FindingClient:
    by = {kind: one.client if one.client_kind == kind else None for kind in ("identity", "token")}
    address = one.client if one.client_kind == "address" else None
    names = query_clients(services).names
    name = names.named(by["identity"], by["token"], address, at=one.last)
    if name is None:
        return FindingClient(kind=one.client_kind, value=one.client, name=None)
    return FindingClient(
        kind=one.client_kind, value=one.client, name=name.name, name_source=name.source
    )


def _action(one: StoredFinding) -> Literal["observed", "throttled", "blocked"]:
    if "block" in one.evidence.refused:
        return "blocked"
    return "throttled" if one.evidence.refused else "observed"


def _time(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
