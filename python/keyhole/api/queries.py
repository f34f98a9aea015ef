"""``/queries``: what became of queries, searched, followed and exported."""

import json
from collections.abc import AsyncIterator
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

router = APIRouter(prefix="/queries", tags=["queries"])

MAX_NAME_LENGTH = 1_016
"""A name of 255 octets, each of which may be shown by four letters (RFC 1035 section 5.1)."""
Text = Annotated[str | None, Query(max_length=2_048)]
_SILENT_ROUNDS = 15
_MEDIA = {"csv": "text/csv", "jsonl": "application/x-ndjson", "parquet": "application/octet-stream"}


class QueryRow(BaseModel):
    """What became of one query."""

    time: datetime
    transport: str
    client: str | None = Field(description="The address; null where the policy is anonymous.")
    identity: str | None = Field(description="The SPIFFE ID that was shown.")
    token: str | None = Field(description="The name of the token that was shown.")
    policy: str | None = Field(description="The policy that spoke for the client.")
    name: str | None = Field(description="Null for a message that was no question.")
    type: str | None
    outcome: str = Field(description="answered, blocked, refused, failed or dropped.")
    reason: str = Field(description="Why it ended so: a word of the reference of reasons.")
    rule: str | None = Field(description="Where the rule that decided stands.")
    list: str | None = Field(description="The list that decided.")
    observed: str | None = Field(description="What would have blocked it, if it acted.")
    upstream: str | None = Field(description="Who gave the answer.")
    duration_us: int = Field(description="How long it waited for an upstream, in microseconds.")
    snapshot: int | None = Field(description="The number of the snapshot that decided.")


class QueryPage(Page[QueryRow]):
    """Queries, the newest first."""

    searched_to: datetime | None = Field(
        None,
        description="Where the search took too long: everything newer was searched, and the next "
        "page goes on from there.",
    )


def _wanted(
    since: Annotated[datetime | None, Query(description="Not before this time.")] = None,
    until: Annotated[datetime | None, Query(description="Before this time.")] = None,
    name: Annotated[str | None, Query(max_length=MAX_NAME_LENGTH, description="This name.")] = None,
    below: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, description="This name, or one below it.")
    ] = None,
    contains: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, description="Somewhere in the name.")
    ] = None,
    expression: Annotated[
        str | None, Query(max_length=200, description="A regular expression (RE2) for the name.")
    ] = None,
    client: Annotated[
        str | None,
        Query(
            max_length=2_048,
            description="An identity, a token or an address; with * at its end, all that begin so.",
        ),
    ] = None,
    type: Annotated[str | None, Query(max_length=16)] = None,  # noqa: A002  (as the field)
    outcome: Annotated[str | None, Query(max_length=16)] = None,
    reason: Annotated[str | None, Query(max_length=64)] = None,
    policy: Annotated[str | None, Query(max_length=63)] = None,
    list: Annotated[str | None, Query(max_length=63)] = None,  # noqa: A002  (as the field)
    rule: Text = None,
    upstream: Annotated[str | None, Query(max_length=63)] = None,
    transport: Annotated[str | None, Query(max_length=16)] = None,
    slower_than_ms: Annotated[
        int | None, Query(ge=0, le=600_000, description="It waited longer than this.")
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
        slower_than_us=None if slower_than_ms is None else slower_than_ms * 1000,
    )


Asked = Annotated[Criteria, Depends(_wanted)]


@router.get("")
def search_queries(
    queries: Queries, _: Viewer, wanted: Asked, limit: Limit = 100, cursor: Cursor = None
) -> QueryPage:
    """Queries that fit, the newest first."""
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
    responses={200: {"description": "A file.", "content": {kind: {} for kind in _MEDIA.values()}}},
)
def export_queries(
    queries: Queries,
    _: Viewer,
    wanted: Asked,
    form: Annotated[
        Literal["csv", "jsonl", "parquet"], Query(alias="format", description="The form.")
    ] = "csv",
) -> FileResponse:
    """At most a million queries that fit, as a file; a few of them at a time for all callers."""
    export = queries.begin_export()
    try:
        with history_errors():
            export.path = queries.history().export(wanted, form)
        return ExportResponse(export, media_type=_MEDIA[form], filename=f"queries.{form}")
    except BaseException:
        export.end()
        raise


class ExportResponse(FileResponse):
    """A file that is gone when it was sent, or when nobody wants it any more."""

    def __init__(self, export: Export, *, media_type: str, filename: str) -> None:
        assert export.path is not None
        super().__init__(export.path, media_type=media_type, filename=filename)
        self._export = export

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._export.end()


@router.get("/live", response_class=StreamingResponse)
async def follow_queries(queries: Queries, _: Viewer) -> StreamingResponse:
    """Queries as they come, as server-sent events: ``query``, and ``left_out`` with a number where
    they came too fast."""

    async def events() -> AsyncIterator[bytes]:
        yield b": listening\n\n"
        silent = 0
        async for heard in queries.listen():
            for query in heard.queries:
                yield _event("query", query)
            if heard.left_out:
                yield _event("left_out", heard.left_out)
            silent = 0 if heard.queries else silent + 1
            if silent >= _SILENT_ROUNDS:
                silent = 0
                # Whoever has left is noticed when something is sent.
                yield b": nothing\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def _event(kind: str, data: Any) -> bytes:
    # JSON has no line breaks in it, so nothing in a name can end an event.
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
    raise ApiProblem(400, "cursor_not_valid", "the cursor is none of ours; begin without one")


class history_errors:  # noqa: N801  (reads as a statement where it is used)
    """Says in plain words that the history cannot be read now."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | duckdb.Error):
            why = f"the history cannot be read now: {str(error).splitlines()[0]}"
            raise ApiProblem(503, "not_possible_now", why) from error


def to_micros(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(zoned.timestamp() * 1_000_000)


def from_micros(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000, UTC)
