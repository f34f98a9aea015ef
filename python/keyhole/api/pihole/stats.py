"""``/api/stats`` and ``/api/history``: counts of the last 24 hours."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from keyhole.api.dependencies import Queries, RunningServices
from keyhole.api.history_times import history_errors
from keyhole.api.pihole import mapping
from keyhole.api.pihole.responses import json_response, start_timer
from keyhole.api.principal import Viewer
from keyhole.api.query_criteria import query_clients
from keyhole.control.services import Services
from keyhole.querylog.history import Criteria, History, Statistics

router = APIRouter(dependencies=[Depends(start_timer)], include_in_schema=False)

_DAY_US = 86_400_000_000
_FREQUENCY_US = 60_000_000
_BUCKET_US = 300_000_000
"""Queries without a row are counted by five minutes."""
_POINTS = 144
"""Intervals of ten minutes."""
Count = Annotated[int, Query(ge=1, le=1_000)]
Blocked = Annotated[bool, Query()]


def _span() -> tuple[int, int]:
    now = int(time.time() * 1_000_000)
    return now - _DAY_US, now + 1


During = Annotated[tuple[int, int], Depends(_span)]


@router.get("/stats/summary")
def summary(
    request: Request, queries: Queries, services: RunningServices, during: During, _: Viewer
) -> Response:
    """Counts of the queries of the last 24 hours."""
    with history_errors():
        history = queries.history()
        found = history.totals(*during)
        begin = during[1] - _FREQUENCY_US
        recent = history.totals(begin - begin % _BUCKET_US, during[1])
        body = {
            "queries": {
                **counts_of(found),
                "unique_domains": history.distinct("name", *during),
                "frequency": recent.total * 1_000_000 / (recent.until - recent.since),
                "types": mapping.by_type(_types(history, during)),
                "status": mapping.by_status(found.by_reason),
                # The history does not record the content of answers.
                "replies": {**dict.fromkeys(mapping.REPLIES, 0), "UNKNOWN": found.total},
            },
            "clients": {
                "active": history.distinct("client", *during),
                "total": history.distinct("client", 0, during[1]),
            },
            "gravity": gravity_of(services),
        }
    return json_response(request, body)


@router.get("/stats/top_domains")
def top_domains(
    request: Request,
    queries: Queries,
    during: During,
    _: Viewer,
    blocked: Blocked = False,
    count: Count = 10,
) -> Response:
    """The most frequent names, of blocked queries or of all others."""
    with history_errors():
        # A name with both kinds of queries is in both lists, with separate counts.
        of = "withheld" if blocked else "passed"
        found, counts = _tops(queries.history(), "name", during, count, of)
    rows = [{"domain": value, "count": total} for value, total in found]
    return json_response(request, {"domains": rows, **counts})


@router.get("/stats/top_clients")
def top_clients(
    request: Request,
    services: RunningServices,
    queries: Queries,
    during: During,
    _: Viewer,
    blocked: Blocked = False,
    count: Count = 10,
) -> Response:
    """The addresses with most queries, of all queries or of blocked ones. Anonymous policies record
    no addresses."""
    with history_errors():
        of = "withheld" if blocked else "total"
        found, counts = _tops(queries.history(), "client", during, count, of)
    names = query_clients(services).names
    rows = [
        {"ip": value, "name": name.name if name else "", "count": total}
        for value, total in found
        for name in (names.named(None, None, value, during[1] / 1e6),)
    ]
    return json_response(request, {"clients": rows, **counts})


@router.get("/stats/upstreams")
def upstreams(request: Request, queries: Queries, during: During, _: Viewer) -> Response:
    """Answers by source: lists and rules, the cache, and each upstream."""
    with history_errors():
        history = queries.history()
        found = history.totals(*during)
        counts = counts_of(found)
        rows = [
            _upstream("blocklist", "blocklist", -1, counts["blocked"]),
            _upstream("cache", "cache", -1, counts["cached"]),
        ]
        for name, count in history.forwarded(*during).items():
            rows.append(_upstream(name, name, -1, count))
    total = {"forwarded_queries": counts["forwarded"], "total_queries": counts["total"]}
    return json_response(request, {"upstreams": rows, **total})


@router.get("/stats/query_types")
def query_types(request: Request, queries: Queries, during: During, _: Viewer) -> Response:
    """Queries by record type."""
    with history_errors():
        found = mapping.by_type(_types(queries.history(), during))
    return json_response(request, {"types": found})


@router.get("/stats/recent_blocked")
def recent_blocked(
    request: Request, queries: Queries, _: Viewer, count: Annotated[int, Query(ge=1, le=100)] = 1
) -> Response:
    """The names that were blocked most recently."""
    with history_errors():
        found = queries.history().search(Criteria(outcome="blocked"), limit=count)
    return json_response(request, {"blocked": [row.fields["name"] for row in found.rows]})


@router.get("/history")
def activity(request: Request, queries: Queries, during: During, _: Viewer) -> Response:
    """Counts of the last 24 hours in intervals of ten minutes."""
    with history_errors():
        found = queries.history().series(*during, _POINTS, by="reason")
    rows = []
    for moment, counts in found:
        at = Statistics(moment, moment, sum(counts.values()), by_reason=counts)
        rows.append({"timestamp": moment // 1_000_000, **_brief(at)})
    return json_response(request, {"history": rows})


def counts_of(found: Statistics) -> dict[str, Any]:
    """The counts of queries, with the part of those that were blocked."""
    brief = _brief(found)
    percent = 100.0 * brief["blocked"] / found.total if found.total else 0.0
    return {**brief, "percent_blocked": percent}


def _brief(found: Statistics) -> dict[str, int]:
    def among(reasons: Sequence[str]) -> int:
        return sum(found.by_reason.get(one, 0) for one in reasons)

    return {
        "total": found.total,
        "blocked": among(mapping.BLOCKED),
        "forwarded": among(mapping.FORWARDED),
        "cached": among(mapping.CACHED),
    }


def _tops(
    history: History, dimension: str, during: tuple[int, int], count: int, of: str
) -> tuple[list[tuple[str, int]], dict[str, int]]:
    """The most frequent values, and the total numbers of queries."""
    found = history.tops(
        dimension, *during, most=count, is_withheld=of == "withheld", is_passed=of == "passed"
    )
    counts = _brief(history.totals(*during))
    tops = [(one.value, getattr(one, of)) for one in found]
    return tops, {"total_queries": counts["total"], "blocked_queries": counts["blocked"]}


def _types(history: History, during: tuple[int, int]) -> dict[str, int]:
    return {one.value: one.total for one in history.tops("type", *during, most=1_000)}


def _upstream(address: str, name: str, port: int, count: int) -> dict[str, Any]:
    timing = {"response": 0, "variance": 0}
    return {"ip": address, "name": name, "port": port, "count": count, "statistics": timing}


def gravity_of(services: Services) -> dict[str, int]:
    """How many entries the lists have, and when they were compiled."""
    in_force = services.control_plane.reconciler.in_force
    lists = in_force.lists if in_force else None
    if lists is None:
        return {"domains_being_blocked": 0, "last_update": 0}
    try:
        updated = int(Path(lists.file.path).stat().st_mtime)
    except OSError:
        updated = 0
    return {
        "domains_being_blocked": sum(one.taken for one in lists.report.lists),
        "last_update": updated,
    }
