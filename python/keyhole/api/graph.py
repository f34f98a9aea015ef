"""``/graph``: who asks whom, and whether each edge is encrypted and authenticated."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from keyhole.api.dependencies import Graphs
from keyhole.api.history_times import history_errors
from keyhole.api.log_words import Outcome, Transport
from keyhole.api.principal import Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.time_span import MAX_WINDOW, read_span
from keyhole.graph.model import Graph
from keyhole.graph.query import MAX_INTERVALS
from keyhole.querylog.history import EdgeCriteria

router = APIRouter(prefix="/graph", tags=["graph"])

_HOUR = 3_600
_MICROS = 1_000_000


def _edge_criteria(
    namespace: Annotated[
        str | None,
        Query(max_length=253, description="Only clients of this namespace of SPIFFE IDs."),
    ] = None,
    verdict: Outcome = None,
    transport: Transport = None,
    policy: Annotated[
        str | None, Query(max_length=63, description="Only queries under this policy.")
    ] = None,
    domains: Annotated[
        bool, Query(description="Whether to draw the domains that were asked for, too.")
    ] = False,
) -> EdgeCriteria:
    return EdgeCriteria(
        since=0,
        until=0,
        namespace=namespace,
        outcome=verdict,
        transport=transport,
        policy=policy,
        has_domains=domains,
    )


Criteria = Annotated[EdgeCriteria, Depends(_edge_criteria)]


def _during(
    wanted: Criteria,
    since: Annotated[
        datetime | None, Query(description="The start; by default an hour before the end.")
    ] = None,
    until: Annotated[
        datetime | None, Query(description="The end, exclusive; by default now.")
    ] = None,
    window: Annotated[
        int | None,
        Query(
            ge=1, le=MAX_WINDOW, description="The last so many seconds, instead of since, until."
        ),
    ] = None,
    step: Annotated[
        int | None,
        Query(ge=1, le=MAX_WINDOW, description="Also count in intervals of so many seconds."),
    ] = None,
) -> EdgeCriteria:
    begin, end = read_span(since, until, window, usual=_HOUR)
    length = None if step is None else step * _MICROS
    if length is not None and end - begin > MAX_INTERVALS * length:
        least = -(-(end - begin) // (MAX_INTERVALS * _MICROS))
        why = f"step gives more than {MAX_INTERVALS} intervals; give at least {least}"
        raise ApiProblem(422, "not_valid", why)
    return replace(wanted, since=begin, until=end, step=length)


@router.get("")
async def get_graph(
    graphs: Graphs, _: Viewer, wanted: Annotated[EdgeCriteria, Depends(_during)]
) -> Graph:
    """Draws who asked whom in a time span, past or present: clients, engines and upstreams, with
    counts and a lock for each edge. The counts are those of the statistics."""
    with history_errors():
        return await graphs.draw(wanted)


@router.get("/live", response_class=StreamingResponse)
async def follow_graph(
    graphs: Graphs,
    caller: Viewer,
    wanted: Criteria,
    window: Annotated[
        int, Query(ge=5, le=3_600, description="The time span that is drawn, in seconds.")
    ] = 60,
    pause: Annotated[int, Query(ge=1, le=60, description="Seconds between two events.")] = 5,
) -> StreamingResponse:
    """Streams the graph of the last seconds as server-sent events: ``graph`` with the whole graph
    first, then ``change`` with the nodes and edges that are new, differ or are gone."""

    found = graphs.listen(caller.name, wanted, window, pause)

    async def events() -> AsyncIterator[bytes]:
        yield b": listening\n\n"
        async for one in found:
            if one is None:
                yield b": the history cannot be read now\n\n"
                continue
            kind = "graph" if isinstance(one, Graph) else "change"
            # JSON text has no line breaks, so a name cannot end an event.
            yield f"event: {kind}\ndata: {one.model_dump_json()}\n\n".encode()

    return StreamingResponse(events(), media_type="text/event-stream")
