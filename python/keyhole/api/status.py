"""``/status``: version, role, listeners and counters."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole import __version__
from keyhole.api.dependencies import RunningServices
from keyhole.api.engines import Delivery
from keyhole.api.event_receivers import EventReceiver, event_receivers
from keyhole.api.principal import Viewer
from keyhole.api.status_summary import (
    Blocking,
    ListInUse,
    blocking,
    lists_in_use,
    page,
    whats_wrong,
    with_entries,
)
from keyhole.api.upstream_report import UpstreamReport, upstream_report
from keyhole.control.list_refresh.report import statuses
from keyhole.control.parts import PartState
from keyhole.control.restore_record import read_restore_record
from keyhole.control.services import Services
from keyhole.errors import KeyholeError
from keyhole.model.engine_stats import EngineStats

router = APIRouter(prefix="/status", tags=["status"])

# Handshakes that ended without anybody refusing anything.
_NOT_REFUSED = ("gone", "late")
_REFUSED_BY_MESH = ("untrusted_peer", "malformed_header", "late_header", "unreadable")


class DnstapOutput(BaseModel):
    """Counters of one dnstap output since Keyhole started."""

    target: str = Field(description="The file or socket.")
    is_working: bool = Field(description="Whether messages can be written to it.")
    sent: int = Field(description="Messages sent.")
    dropped: int = Field(description="Messages dropped because the queue was full.")


class TraceReceiver(BaseModel):
    """What became of the traces of the engine of this machine since it started."""

    endpoint: str = Field(description="The URL of the receiver.")
    is_working: bool = Field(description="Whether it takes traces.")
    exported: int = Field(description="Traces that it has.")
    lost: int = Field(description="Traces that it did not take.")
    limited: int = Field(
        description="Traces that were dropped: over traces.rate, or while it took none."
    )
    last_error: str | None = Field(description="Why it takes none; null while it works.")


class PartReport(BaseModel):
    """A part that needs attention, while DNS goes on."""

    name: str = Field(description="The part, such as database, clock or disk.")
    state: str = Field(
        description="failed (tried again), missing (was there and is gone), stuck (began something "
        "and has not come back) or mended (was found damaged at the start)."
    )
    why: str = Field(description="What is wrong, what goes on, and what would be right.")
    since: datetime = Field(description="When it was first seen.")


class RefusedHandshakes(BaseModel):
    """TLS handshakes that were refused, or that a client gave up with an alert; and connections
    that mesh, enrollment, link or API did not let in."""

    listener: str = Field(description="dns, mesh, enrollment, link or api.")
    reason: str = Field(
        description="For dns and mesh a word of the reference page, else a sentence."
    )
    count: int = Field(description="How many, since the start of the engine or of control.")


class Load(BaseModel):
    """What the engine has under way."""

    waiting: int = Field(description="Queries that wait for an upstream.")
    under_way: int = Field(description="Questions that upstreams were asked, or will be.")


class ListLoss(BaseModel):
    """A list of which more than a tenth is left out."""

    name: str = Field(description="The name of the List document.")
    why: str = Field(description="How much is left out, and why most of it.")


class Status(BaseModel):
    """The status of this Keyhole."""

    version: str = Field(description="The version of Keyhole.")
    role: str = Field(description="resolver or forwarder.")
    uptime: int | None = Field(
        description="Seconds since the engine of this machine started; null while none answers."
    )
    listeners: dict[str, list[str]] = Field(description="Listening addresses by transport.")
    page: str | None = Field(
        description="The address of the page on this machine; the API is below it at /api/v1. Null "
        "if it is not served over the network."
    )
    blocking: Blocking = Field(description="Whether names are blocked now.")
    lists_in_use: list[ListInUse] = Field(description="The lists that a policy in force uses.")
    wrong: list[str] = Field(
        description="What does not work, each in a few words; empty if all works."
    )
    restored: str | None = Field(
        description="When the data folder was restored, from the backup of which time, and whether "
        "what was revoked since is revoked here too; null if it was never restored."
    )
    parts: list[PartReport] = Field(
        description="Parts that need attention; empty if everything works."
    )
    lists: list[ListLoss] = Field(
        description="Lists of which more than a tenth is left out; empty if there are none."
    )
    undelivered: list[Delivery] = Field(
        description="Engines that do not decide by the newest revocations, tokens and removed "
        "trust yet."
    )
    handshakes: list[RefusedHandshakes] = Field(
        description="Refused TLS handshakes, by listener and reason; the query log has address and "
        "claimed identity of those of dns and mesh."
    )
    open_findings: int | None = Field(
        description="Findings that nobody has muted or closed; null where none are made, for lack "
        "of a database or of a query log."
    )
    dnstap: list[DnstapOutput] = Field(description="The outputs of dnstap; empty if it is off.")
    traces: TraceReceiver | None = Field(
        description="The receiver of traces; null if traces are off, or while no engine answers."
    )
    events: list[EventReceiver] = Field(
        description="The receivers of events; empty if none is named."
    )
    upstreams: list[UpstreamReport] = Field(
        description="The upstreams in use; empty while no engine answers."
    )
    queries: dict[str, int] | None = Field(
        description="Queries that ended since the start of the engine, by reason: the difference "
        "of two looks is the rate. Null while no engine answers."
    )
    rate: float | None = Field(
        description="Queries per second in the last ten seconds or so; null while no engine "
        "answers, and in the first seconds of one."
    )
    counters: dict[str, int] | None = Field(
        description="Counters of the engine since its start, by the words of the reference page; "
        "null while no engine answers."
    )
    closed_connections: dict[str, int] | None = Field(
        description="Connections closed because of a limit, by the words of the reference "
        "page; null while no engine answers."
    )
    load: Load | None = Field(
        description="What the engine has under way now; null while no engine answers."
    )


@router.get("")
async def get_status(services: RunningServices, _: Viewer) -> Status:
    """Returns version, role, listeners, dnstap outputs and counters."""
    states = services.dnstap.states() if services.dnstap else []
    stats = await _stats(services)
    in_force = services.control_plane.reconciler.in_force
    known = statuses(services.lists, in_force)
    times = services.control_plane.upstream_times.known
    status = Status(
        version=__version__,
        role=services.settings.resolved.options.role,
        uptime=stats["uptime_s"] if stats else None,
        listeners=services.control_plane.addresses,
        page=await asyncio.to_thread(page, services),
        blocking=blocking(in_force.snapshot if in_force else None, with_entries(known, in_force)),
        lists_in_use=lists_in_use(known),
        wrong=[],
        restored=await asyncio.to_thread(_restored, services),
        parts=[_report(one) for one in services.control_plane.attention()],
        lists=[ListLoss(name=one.name, why=one.lost) for one in known if one.lost],
        undelivered=[
            Delivery(**vars(one))
            for one in services.control_plane.withdrawals.deliveries()
            if not one.has_it
        ],
        open_findings=_open_findings(services),
        dnstap=[DnstapOutput(**vars(one)) for one in states],
        traces=_traces(stats) if stats else None,
        events=event_receivers(services),
        upstreams=[upstream_report(one, times.get(one["name"])) for one in stats["upstreams"]]
        if stats
        else [],
        handshakes=[
            *_dns_handshakes(stats),
            *_mesh_handshakes(stats),
            *(
                RefusedHandshakes(listener=one.listener, reason=one.why, count=one.count)
                for one in services.control_plane.refused_handshakes.counts()
            ),
        ],
        queries=_by_reason(stats) if stats else None,
        rate=services.control_plane.rate.now if stats else None,
        counters=None if stats is None else dict(stats["totals"]),
        closed_connections=stats["connections"]["closed"] if stats else None,
        load=_load(stats) if stats else None,
    )
    status.wrong = [*whats_wrong(status), *_wrong_with_dnssec(stats)]
    return status


def _restored(services: Services) -> str | None:
    record = read_restore_record(services.data)
    return record.text if record else None


def _wrong_with_dnssec(stats: EngineStats | None) -> list[str]:
    # Engines of earlier versions say nothing of it.
    fault = stats.get("dnssec_fault") if stats else None
    return [] if fault is None else [f"dnssec: {fault}"]


def _open_findings(services: Services) -> int | None:
    if services.findings is None:
        return None
    counts = services.findings.counts()
    return sum(count for (_, state), count in counts.items() if state == "open")


def _report(one: PartState) -> PartReport:
    since = datetime.fromtimestamp(one.since, UTC)
    return PartReport(name=one.name, state=one.state.value, why=one.why, since=since)


def _traces(stats: EngineStats) -> TraceReceiver | None:
    # Engines of earlier versions say nothing of them.
    recorded, sent = stats.get("traces"), stats.get("trace_export")
    if recorded is None or sent is None:
        return None
    return TraceReceiver(
        endpoint=sent["endpoint"],
        is_working=sent["last_error"] is None,
        exported=sent["exported"],
        lost=sent["lost"],
        limited=recorded["limited"],
        last_error=sent["last_error"],
    )


def _by_reason(stats: EngineStats) -> dict[str, int]:
    found: Counter[str] = Counter()
    for reasons in stats["queries"].values():
        found.update(reasons)
    return {reason: count for reason, count in found.items() if count}


def _load(stats: EngineStats) -> Load:
    return Load(waiting=stats["waiting"], under_way=stats["cache"]["under_way"])


async def _stats(services: Services) -> EngineStats | None:
    try:
        return await services.control_plane.stats()
    except KeyholeError:
        return None


def _dns_handshakes(stats: EngineStats | None) -> list[RefusedHandshakes]:
    if stats is None:
        return []
    counts = stats["connections"]["handshakes"]
    refused = {**counts["refused"], **counts["failures"]}
    return [
        RefusedHandshakes(listener="dns", reason=word, count=count)
        for word, count in refused.items()
        if word not in _NOT_REFUSED
    ]


def _mesh_handshakes(stats: EngineStats | None) -> list[RefusedHandshakes]:
    counts = stats["connections"]["mesh"] if stats else {}
    return [
        RefusedHandshakes(listener="mesh", reason=word, count=counts[word])
        for word in _REFUSED_BY_MESH
        if word in counts
    ]
