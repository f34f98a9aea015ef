"""``/queries``: searching, following and exporting the query history."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import duckdb
from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from keyhole.api.dependencies import Queries
from keyhole.api.pagination import Cursor, Limit, Page, read_cursor, write_cursor
from keyhole.api.principal import Viewer
from keyhole.api.problem import ApiProblem
from keyhole.control.query_history import Export
from keyhole.querylog.history import Criteria, Row
from keyhole.querylog.history.search import Key

MIN_MICROS = -62_135_596_800_000_000
_MAX_MICROS = 253_402_300_799_000_000
"""The first and the last second of a ``datetime``."""
router = APIRouter(prefix="/queries", tags=["queries"])

MAX_NAME_LENGTH = 1_016
"""A name of 255 octets, each escaped with up to four characters (RFC 1035 section 5.1)."""
Rule = Annotated[str | None, Query(max_length=2_048, description="The place of the rule.")]
_KEEPALIVE_ROUNDS = 15
_MEDIA = {"csv": "text/csv", "jsonl": "application/x-ndjson", "parquet": "application/octet-stream"}


class QueryRow(BaseModel):
    """One query and its result."""

    time: datetime = Field(description="When it arrived.")
    transport: str = Field(description="The transport, such as udp or doh.")
    client: str | None = Field(description="The client address; null if the policy is anonymous.")
    identity: str | None = Field(description="The SPIFFE ID of the client.")
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
    observed: str | None = Field(description="What would have blocked it, but only observed.")
    upstream: str | None = Field(description="The upstream that answered.")
    duration_us: int = Field(description="Time spent waiting for an upstream, in microseconds.")
    snapshot: int | None = Field(description="The number of the snapshot that was in force.")
    engine: str | None = Field(
        description="The engine that delivered it: the SPIFFE ID of its certificate, or local; "
        "null for a query from before this was kept."
    )


class QueryPage(Page[QueryRow]):
    """One page of queries, newest first."""

    searched_to: datetime | None = Field(
        None,
        description="Set if the search stopped at its time limit: it has covered everything newer, "
        "and the next page continues there.",
    )


def _criteria(
    since: Annotated[datetime | None, Query(description="The start of the time span.")] = None,
    until: Annotated[
        datetime | None, Query(description="The end of the time span, exclusive.")
    ] = None,
    name: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, description="Exactly this name.")
    ] = None,
    below: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, description="This name or a subdomain of it.")
    ] = None,
    contains: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, description="Names that contain this text.")
    ] = None,
    expression: Annotated[
        str | None,
        Query(max_length=200, description="A regular expression (RE2) that the name must match."),
    ] = None,
    client: Annotated[
        str | None,
        Query(
            max_length=2_048,
            description="A SPIFFE ID, a token or an address. A final * matches any rest.",
        ),
    ] = None,
    type: Annotated[  # noqa: A002  (as the field)
        str | None, Query(max_length=16, description="The record type.")
    ] = None,
    outcome: Annotated[str | None, Query(max_length=16, description="The outcome.")] = None,
    reason: Annotated[str | None, Query(max_length=64, description="The reason.")] = None,
    policy: Annotated[str | None, Query(max_length=63, description="The policy.")] = None,
    list: Annotated[  # noqa: A002  (as the field)
        str | None, Query(max_length=63, description="The list that decided.")
    ] = None,
    rule: Rule = None,
    upstream: Annotated[str | None, Query(max_length=63, description="The upstream.")] = None,
    transport: Annotated[str | None, Query(max_length=16, description="The transport.")] = None,
    engine: Annotated[
        str | None, Query(max_length=2_048, description="The engine: its SPIFFE ID, or local.")
    ] = None,
    slower_than_ms: Annotated[
        int | None,
        Query(ge=0, le=600_000, description="Minimum time spent waiting for an upstream."),
    ] = None,
) -> Criteria:
    return Criteria(
        since=to_micros(since),
        until=to_micros(until),
        name=name,
        below=below,
        contains=contains,
        expression=expression,
        client=client,
        type=type,
        outcome=outcome,
        reason=reason,
        policy=policy,
        list=list,
        rule=rule,
        upstream=upstream,
        transport=transport,
        engine=engine,
        slower_than_us=None if slower_than_ms is None else slower_than_ms * 1000,
    )


SearchCriteria = Annotated[Criteria, Depends(_criteria)]


@router.get("")
def search_queries(
    queries: Queries, _: Viewer, wanted: SearchCriteria, limit: Limit = 100, cursor: Cursor = None
) -> QueryPage:
    """Searches the query history, newest first."""
    after = _key(cursor)
    with history_errors():
        found = queries.history().search(wanted, limit=limit, after=after)
    return QueryPage(
        items=[_row(row) for row in found.rows],
        next=write_cursor(list(found.next)) if found.next else None,
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
async def follow_queries(queries: Queries, _: Viewer) -> StreamingResponse:
    """Streams new queries as server-sent events: ``query`` for each query, and ``left_out`` with
    the number of queries that were skipped because they came too fast."""

    async def events() -> AsyncIterator[bytes]:
        yield b": listening\n\n"
        idle_rounds = 0
        async for batch in queries.listen():
            for query in batch.queries:
                yield _event("query", query)
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


def _row(row: Row) -> QueryRow:
    return QueryRow(**{**row.fields, "time": from_micros(row.fields["time"])})


def _key(cursor: str | None) -> Key | None:
    if cursor is None:
        return None
    key = read_cursor(cursor)
    match key:
        case [int(moment), str(file), int(number)] if abs(moment) < 2**60 and abs(number) < 2**60:
            return (moment, file, number)
    raise ApiProblem(400, "cursor_not_valid", "the cursor is not valid; begin without one")


@contextmanager
def history_errors() -> Iterator[None]:
    """Raises 503 if the history cannot be read."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        first, *_ = str(error).splitlines() or [type(error).__name__]
        why = f"the history cannot be read now: {first}"
        raise ApiProblem(503, "not_possible_now", why) from error


def to_micros(moment: datetime | None) -> int | None:
    """A time as microseconds of Unix time; UTC if it has no time zone."""
    if moment is None:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # In another time zone, the first and the last day are outside of what UTC can say.
    return min(max(int(zoned.timestamp() * 1_000_000), MIN_MICROS), _MAX_MICROS)


def from_micros(micros: int) -> datetime:
    """Microseconds of Unix time as a time in UTC."""
    within = min(max(micros, MIN_MICROS), _MAX_MICROS)
    return datetime.fromtimestamp(within / 1_000_000, UTC)
