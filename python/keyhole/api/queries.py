"""``/queries``: searching, following and exporting the query history."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from keyhole.api.dependencies import Queries, RunningServices
from keyhole.api.history_times import from_micros, history_errors
from keyhole.api.pagination import Cursor, Limit, Page, read_cursor, write_cursor
from keyhole.api.principal import Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.query_criteria import SearchCriteria, query_clients
from keyhole.control.clients.model import NAME_SOURCE, NameSource
from keyhole.control.query_history import Export
from keyhole.control.services import Services
from keyhole.graph.query_lock import QueryLock, QueryLocks
from keyhole.querylog.history import Criteria, Row
from keyhole.querylog.history.live import check_criteria
from keyhole.querylog.history.search import Key, Order

router = APIRouter(prefix="/queries", tags=["queries"])

_KEEPALIVE_ROUNDS = 15
_MEDIA = {"csv": "text/csv", "jsonl": "application/x-ndjson", "parquet": "application/octet-stream"}


class LockReason(BaseModel):
    """A reason why a lock is open."""

    reason: str = Field(description="The reason, as in the graph.")
    text: str = Field(description="What the query did, such as: came over udp or tcp.")


class RowLock(BaseModel):
    """Whether a query was protected on one part of its way, by the documents in force."""

    closed: bool = Field(description="Whether it was encrypted and the other end proved who it is.")
    how: str = Field(
        description="What proved it: certificate, token, network (nothing but the address), mesh, "
        "unproved or unknown."
    )
    reasons: list[LockReason] = Field(description="Why it is open; empty if it is closed.")


class QueryRow(BaseModel):
    """One query and its result."""

    time: datetime = Field(description="When it arrived.")
    transport: str = Field(description="The transport, such as udp or doh.")
    client: str | None = Field(description="The client address; null if the policy is anonymous.")
    identity: str | None = Field(description="The SPIFFE ID of the client.")
    client_name: str | None = Field(
        None,
        description="What the client is called: by a Client document in force, else by the name "
        "that its address had when it asked; null for none, and where it only claimed its "
        "identity.",
    )
    client_name_source: NameSource | None = Field(None, description=NAME_SOURCE)
    token: str | None = Field(description="The name of the token of the client.")
    policy: str | None = Field(description="The policy for the client.")
    name: str | None = Field(description="The name; null if the message was not a valid query.")
    type: str | None = Field(description="The record type, such as AAAA.")
    outcome: str = Field(description="answered, blocked, refused, failed or dropped.")
    reason: str = Field(description="The reason for the outcome; see the reference of reasons.")
    rule: str | None = Field(description="The place of the rule that decided.")
    list: str | None = Field(description="The list that decided.")
    file: str | None = Field(None, description="The file of that list.")
    line: int | None = Field(None, description="The line of the entry in that file.")
    target: str | None = Field(
        None,
        description="The blocked name that the answer leads to, by an alias or a service record.",
    )
    allow: str | None = Field(
        None,
        description="The name to allow so that the query is answered, for a blocked target.",
    )
    answer: str | None = Field(
        None,
        description="What the client got for a blocked name: nxdomain, nodata, refused, null or "
        "address.",
    )
    tls: str | None = Field(
        None,
        description="The version of TLS of the client's connection, such as 1.3; none for DoH "
        "behind a proxy that ends TLS; left out where the transport has no TLS, and for a query "
        "from before this was kept.",
    )
    observed: str | None = Field(description="What would have blocked it, but only observed.")
    upstream: str | None = Field(description="The upstream that answered.")
    upstream_tls: str | None = Field(
        None,
        description="The version of TLS over which that upstream was asked; left out over "
        "cleartext, for answers out of the cache, and for a query from before this was kept.",
    )
    duration_us: int = Field(description="Time spent waiting for an upstream, in microseconds.")
    snapshot: int | None = Field(description="The number of the snapshot that was in force.")
    engine: str | None = Field(
        description="The engine that delivered it: the SPIFFE ID of its certificate, or local; "
        "null for a query from before this was kept."
    )
    count: int = Field(
        1,
        description="How many queries it stands for: those that were turned away are summed up, "
        "and so are alike ones of one second while the engine is busy.",
    )
    lock_in: RowLock = Field(description="The lock between the client and the engine.")
    lock_out: RowLock | None = Field(
        description="The lock between the engine and the upstream; null if it was not sent on."
    )


class QueryPage(Page[QueryRow]):
    """One page of queries, in the order of the search."""

    previous: str | None = Field(
        None,
        description="Cursor of the queries before the first one of this page: use it with the "
        "other order. Null on an empty page.",
    )
    searched_to: datetime | None = Field(
        None,
        description="Set if the search stopped at its time limit: it has covered everything before "
        "this in its order, and the next page continues there.",
    )


@router.get("")
def search_queries(
    services: RunningServices,
    queries: Queries,
    _: Viewer,
    wanted: SearchCriteria,
    limit: Limit = 100,
    cursor: Cursor = None,
    order: Annotated[Order, Query(description="Which queries come first.")] = "newest",
) -> QueryPage:
    """Searches the query history."""
    after = _key(cursor)
    with history_errors():
        found = queries.history().search(wanted, limit=limit, after=after, order=order)
    told = _Told(services)
    return QueryPage(
        items=[_row(row, told) for row in found.rows],
        next=write_cursor(list(found.next)) if found.next else None,
        previous=write_cursor(list(found.rows[0].key)) if found.rows else None,
        searched_to=None if found.searched_to is None else from_micros(found.searched_to),
    )


@router.get(
    "/export",
    response_class=FileResponse,
    responses={
        200: {"description": "The file.", "content": {kind: {} for kind in _MEDIA.values()}}
    },
)
def export_queries(
    queries: Queries,
    _: Viewer,
    wanted: SearchCriteria,
    form: Annotated[
        Literal["csv", "jsonl", "parquet"],
        Query(alias="format", description="The format of the file."),
    ] = "csv",
) -> FileResponse:
    """Exports up to a million matching queries as a file. Few exports can run at the same time."""
    export = queries.begin_export()
    try:
        with history_errors():
            export.path = queries.history().export(wanted, form)
        return ExportResponse(export, media_type=_MEDIA[form], filename=f"queries.{form}")
    except BaseException:
        export.end()
        raise


class ExportResponse(FileResponse):
    """A file that is deleted when it has been sent, or when the client disconnects."""

    def __init__(self, export: Export, *, media_type: str, filename: str) -> None:
        assert export.path is not None
        super().__init__(export.path, media_type=media_type, filename=filename)
        self._export = export

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the file, then ends the export."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._export.end()


@router.get("/live", response_class=StreamingResponse)
async def follow_queries(
    services: RunningServices, queries: Queries, caller: Viewer, wanted: SearchCriteria
) -> StreamingResponse:
    """Streams new queries that match as server-sent events: ``query`` for each query, with the
    fields of a search, and ``left_out`` with the number of queries that were skipped because they
    came too fast. since and until have no effect."""
    given = None if wanted == Criteria() else wanted
    if given is not None:
        with history_errors():
            await asyncio.to_thread(lambda: check_criteria(queries.history(), given))
    batches = queries.listen(caller.name, given)

    async def events() -> AsyncIterator[bytes]:
        yield b": listening\n\n"
        idle_rounds = 0
        async for batch in batches:
            told = await asyncio.to_thread(_Told, services)
            for query in batch.queries:
                yield _event("query", {**query, **told.fields(query)})
            if batch.left_out:
                yield _event("left_out", batch.left_out)
            idle_rounds = 0 if batch.queries else idle_rounds + 1
            if idle_rounds >= _KEEPALIVE_ROUNDS:
                idle_rounds = 0
                # Only sending shows whether the client has disconnected.
                yield b": nothing\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def _event(kind: str, data: Any) -> bytes:
    # JSON text has no line breaks, so a name cannot end an event.
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


class _Told:
    """What the documents in force tell of queries besides the fields of the log."""

    def __init__(self, services: Services) -> None:
        compiled = services.control_plane.reconciler.in_force
        self._locks = QueryLocks(compiled.snapshot if compiled else None)
        self._clients = query_clients(services)

    def fields(self, line: dict[str, Any]) -> dict[str, Any]:
        """The further fields of a query."""
        incoming, outgoing = self._locks.incoming(line), self._locks.outgoing(line)
        name = self._clients.named(line)
        return {
            "client_name": None if name is None else name.name,
            "client_name_source": None if name is None else name.source,
            "lock_in": _lock(incoming),
            "lock_out": None if outgoing is None else _lock(outgoing),
        }


def _row(row: Row, told: _Told) -> QueryRow:
    time = from_micros(row.fields["time"])
    return QueryRow(**{**row.fields, "time": time, **told.fields(row.fields)})


def _lock(lock: QueryLock) -> dict[str, Any]:
    reasons = [{"reason": word, "text": text} for word, text in lock.reasons]
    return {"closed": lock.is_closed, "how": lock.how, "reasons": reasons}


def _key(cursor: str | None) -> Key | None:
    if cursor is None:
        return None
    key = read_cursor(cursor)
    match key:
        case [int(moment), str(file), int(number)] if abs(moment) < 2**60 and abs(number) < 2**60:
            return (moment, file, number)
    raise ApiProblem(400, "cursor_not_valid", "the cursor is not valid; begin without one")
