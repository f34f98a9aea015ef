"""``/api/queries``: the query history in Pi-hole's format, newest first."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from keyhole.api.dependencies import Queries, RunningServices
from keyhole.api.history_times import history_errors
from keyhole.api.pihole import mapping
from keyhole.api.pihole.responses import PiholeError, json_response, start_timer
from keyhole.api.principal import Viewer
from keyhole.api.query_criteria import MAX_NAME_LENGTH, query_clients
from keyhole.control.client_names import QueryClients
from keyhole.querylog.history import Criteria, Row

router = APIRouter(prefix="/queries", dependencies=[Depends(start_timer)], include_in_schema=False)

MAX_ROWS = 1_000
Text = Annotated[str | None, Query(max_length=MAX_NAME_LENGTH)]
Second = Annotated[float | None, Query(ge=0, le=1e11)]


@dataclass(frozen=True)
class QueryCriteria:
    """The criteria of a search, and whether there are any."""

    criteria: Criteria
    is_filtered: bool


def _criteria(
    since: Annotated[float | None, Query(alias="from", ge=0, le=1e11)] = None,
    until: Second = None,
    domain: Text = None,
    client_ip: Text = None,
    upstream: Text = None,
    kind: Annotated[str | None, Query(alias="type", max_length=16)] = None,
    status: Annotated[str | None, Query(max_length=32)] = None,
    cursor: Annotated[int | None, Query(ge=0, le=10**18)] = None,
) -> QueryCriteria:
    given = (since, until, domain, client_ip, upstream, kind, status)
    name, expression = _domain(domain)
    pseudo = mapping.reasons_of_upstream(upstream) if upstream else None
    criteria = Criteria(
        since=_micros(since),
        until=_with_cursor(_micros(until), cursor),
        client=client_ip,
        type=kind,
        upstream=None if pseudo else upstream,
        reasons=_both(_status(status), pseudo),
        name=name,
        expression=expression,
    )
    return QueryCriteria(criteria, any(one is not None for one in given))


@router.get("")
def get_queries(
    request: Request,
    services: RunningServices,
    queries: Queries,
    _: Viewer,
    wanted: Annotated[QueryCriteria, Depends(_criteria)],
    length: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 100,
    start: Annotated[int, Query(ge=0, le=MAX_ROWS)] = 0,
    draw: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:
    """A page of queries; the cursor in the response leads to the next page."""
    with history_errors():
        history = queries.history()
        total = history.size.rows
        rows = history.search(wanted.criteria, limit=start + length + 1).rows
    rows, cursor = page(rows[start:], length)
    clients = query_clients(services)
    body = {
        "queries": [_shown(row, clients) for row in rows],
        "cursor": cursor,
        "recordsTotal": total,
        "recordsFiltered": start + len(rows) + bool(cursor) if wanted.is_filtered else total,
        "draw": draw,
    }
    return json_response(request, body)


def page(rows: list[Row], length: int) -> tuple[list[Row], int | None]:
    """At most ``length`` rows, and the cursor of the next page: the time of its first row.

    A page ends between two times, because the cursor cannot separate rows of the same microsecond.
    If all rows have the same time, the rest of that microsecond is skipped.
    """
    if len(rows) <= length:
        return rows, None
    following: int = rows[length].fields["time"]
    whole = [row for row in rows[:length] if row.fields["time"] != following]
    if whole:
        return whole, following
    return rows[:length], following - 1


def _shown(row: Row, clients: QueryClients) -> dict[str, Any]:
    fields = row.fields
    credential = fields["identity"] or fields["token"]
    name = clients.named(fields)
    return {
        "id": fields["time"],
        "time": fields["time"] / 1e6,
        "type": fields["type"],
        "domain": fields["name"],
        # Pi-hole's own field for the name behind an alias that is blocked.
        "cname": fields.get("target"),
        "status": mapping.status(fields["reason"]),
        "client": {"ip": fields["client"] or "", "name": name.name if name else credential},
        "dnssec": "UNKNOWN",
        "reply": {"type": "UNKNOWN", "time": (fields["duration_us"] or 0) / 1e3},
        "list_id": None,
        "upstream": fields["upstream"],
        "ede": {"code": -1, "text": None},
    }


def _status(written: str | None) -> tuple[str, ...] | None:
    if written is None:
        return None
    reasons = mapping.reasons(written)
    if reasons is None:
        raise PiholeError(400, "bad_request", "there is no such status", written)
    return reasons


def _both(some: tuple[str, ...] | None, others: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if some is None or others is None:
        return some if others is None else others
    return tuple(one for one in some if one in others)


def _domain(written: str | None) -> tuple[str | None, str | None]:
    """A name, or the regular expression for a name with ``*``."""
    if written is None or "*" not in written:
        return written, None
    return None, "^" + ".*".join(map(re.escape, written.lower().split("*"))) + "$"


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1_000_000)


def _with_cursor(until: int | None, cursor: int | None) -> int | None:
    if cursor is None:
        return until
    # The page includes rows at the time of the cursor.
    return cursor + 1 if until is None else min(until, cursor + 1)
