"""``/clients``: who asks, by what each is known, and which policy applies."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from keyhole.api.dependencies import Clients
from keyhole.api.history_times import from_micros, history_errors
from keyhole.api.pagination import Cursor, Limit, read_cursor, write_cursor
from keyhole.api.principal import Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.time_span import DuringSpan
from keyhole.control.clients import ClientDetail, ClientList, ClientSummary

router = APIRouter(prefix="/clients", tags=["clients"])

MAX_ID = 2_048
_MICROS = 1_000_000


@router.get("")
async def list_clients(
    clients: Clients,
    _: Viewer,
    wanted: DuringSpan,
    contains: Annotated[
        str | None,
        Query(max_length=253, description="Only clients with this in a name or identity."),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ClientList:
    """Lists everybody who asked in a time span, the busiest first, and all that are declared or
    have a certificate or a token. Give until for the pages after the first one."""
    with history_errors():
        found = await clients.list_clients(wanted)
    items = found.items if contains is None else _matching(found.items, contains)
    begin = _begin(items, cursor)
    page = items[begin : begin + limit]
    is_last = begin + limit >= len(items)
    return ClientList(
        items=page,
        next=None if is_last else write_cursor([-page[-1].queries, page[-1].id]),
        since=from_micros(wanted.since),
        until=from_micros(wanted.until),
        total=len(items),
        queries=found.queries,
        left_out=found.left_out,
    )


@router.get("/detail")
async def get_client(
    clients: Clients,
    _: Viewer,
    wanted: DuringSpan,
    client: Annotated[
        str,
        Query(
            min_length=1,
            max_length=MAX_ID,
            description="Its ID, as in the list; also one that has not asked.",
        ),
    ],
    points: Annotated[int, Query(ge=1, le=500, description="Intervals of the series.")] = 48,
) -> ClientDetail:
    """Shows one client: activity, certificates, tokens, networks, and why its policy applies."""
    span = wanted.until - wanted.since
    step = max(1, -(-span // (points * _MICROS))) * _MICROS
    with history_errors():
        return await clients.detail(client, replace(wanted, step=step))


def _matching(items: list[ClientSummary], contains: str) -> list[ClientSummary]:
    wanted = contains.casefold()
    return [
        one
        for one in items
        if any(wanted in text.casefold() for text in (one.id, one.label, one.client or ""))
    ]


def _begin(items: list[ClientSummary], cursor: str | None) -> int:
    """The place of the first client after the cursor, whatever has become of the one in it."""
    if cursor is None:
        return 0
    match read_cursor(cursor):
        case [int(queries), str(id_)]:
            before = ((-one.queries, one.id) <= (queries, id_) for one in items)
            return sum(before)
    raise ApiProblem(400, "cursor_not_valid", "the cursor is not valid; begin without one")
