"""``/statistics``: counts of queries over any span of time."""

import time
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Queries, RunningServices
from keyhole.api.history_times import from_micros, history_errors, to_micros
from keyhole.api.pagination import Page
from keyhole.api.principal import Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.query_criteria import query_clients
from keyhole.control.clients.model import NAME_SOURCE, NameSource
from keyhole.policy.client_names import ClientName, ClientNames
from keyhole.querylog.history import Top

router = APIRouter(prefix="/statistics", tags=["statistics"])

_DAY_US = 86_400_000_000
Span = tuple[int, int]


class Totals(BaseModel):
    """Counts of the queries in a span of time."""

    since: datetime = Field(description="The start of the span.")
    until: datetime = Field(description="The end of the span, exclusive.")
    total: int = Field(
        description="All queries that the engines counted, including those that no search finds."
    )
    by_outcome: dict[str, int] = Field(description="Queries by outcome.")
    by_reason: dict[str, int] = Field(description="Queries by reason.")
    by_transport: dict[str, int] = Field(description="Queries by transport.")
    waited: int = Field(description="Queries that waited for an upstream.")
    mean_wait_us: float = Field(description="Mean time that they waited, in microseconds.")
    rows_kept: int = Field(description="Rows in the whole history.")
    octets_kept: int = Field(description="Size of the whole history on disk.")
    kept_since: datetime | None = Field(description="The time of the oldest query in the history.")
    counted_since: datetime | None = Field(
        description="The start of the counts, which also cover deleted queries."
    )
    unlogged: int = Field(
        description="Those of the total that their policy keeps out of the query log."
    )
    lost: int = Field(
        description="Those of the total that should be in the query log and are not: log.keep was "
        "too small for them, the disk was full, or an engine was killed."
    )


class SeriesPoint(BaseModel):
    """Counts of one interval."""

    time: datetime = Field(description="The start of the interval.")
    by_outcome: dict[str, int] = Field(description="Queries by outcome.")


class ValueCount(BaseModel):
    """A value and its number of queries."""

    value: str = Field(description="The value of the dimension.")
    client_name: str | None = Field(
        None,
        description="What this address or token is called: by a Client document in force, else "
        "by the name that the address had at the end of the time span. An address "
        "counts all queries from it, also those of clients with an identity or token.",
    )
    client_name_source: NameSource | None = Field(None, description=NAME_SOURCE)
    total: int = Field(description="Queries with this value.")
    withheld: int = Field(description="Those of them that were blocked or refused.")


def _span(
    since: Annotated[
        datetime | None, Query(description="The start; by default a day before the end.")
    ] = None,
    until: Annotated[
        datetime | None, Query(description="The end, exclusive; by default now.")
    ] = None,
) -> Span:
    end = to_micros(until) or int(time.time() * 1_000_000)
    begin = to_micros(since)
    begin = end - _DAY_US if begin is None else begin
    if begin >= end:
        raise ApiProblem(422, "not_valid", "since must be before until")
    return begin, end


During = Annotated[Span, Depends(_span)]


@router.get("")
def get_totals(queries: Queries, _: Viewer, during: During) -> Totals:
    """Counts the queries in a span of time."""
    with history_errors():
        history = queries.history()
        found = history.totals(*during)
        size = history.size
    return Totals(
        since=from_micros(found.since),
        until=from_micros(found.until),
        total=found.total,
        by_outcome=found.by_outcome,
        by_reason=found.by_reason,
        by_transport=found.by_transport,
        waited=found.waited,
        mean_wait_us=found.waited_us / found.waited if found.waited else 0.0,
        rows_kept=size.rows,
        octets_kept=size.octets,
        kept_since=None if size.begin is None else from_micros(size.begin),
        counted_since=None if size.counted is None else from_micros(size.counted),
        unlogged=found.unlogged,
        lost=found.lost + size.lost,
    )


@router.get("/series")
def get_series(
    queries: Queries,
    _: Viewer,
    during: During,
    points: Annotated[int, Query(ge=1, le=2_000, description="Maximum number of intervals.")] = 100,
) -> Page[SeriesPoint]:
    """Counts the queries in equal intervals of at least five minutes."""
    with history_errors():
        rows = queries.history().series(*during, points)
    return Page(items=[SeriesPoint(time=from_micros(at), by_outcome=counts) for at, counts in rows])


@router.get("/top/{dimension}")
def get_top(
    services: RunningServices,
    queries: Queries,
    _: Viewer,
    during: During,
    dimension: Annotated[
        Literal["name", "client", "identity", "token", "policy", "list", "upstream", "type"],
        Path(description="What to count by."),
    ],
    most: Annotated[int, Query(ge=1, le=1_000, description="Maximum number of values.")] = 10,
    withheld: Annotated[
        bool, Query(description="Whether to count only blocked and refused queries.")
    ] = False,
) -> Page[ValueCount]:
    """Lists the most frequent values, for example names or clients."""
    with history_errors():
        found = queries.history().tops(dimension, *during, most=most, is_withheld=withheld)
    names = query_clients(services).names
    end = during[1] / 1e6
    return Page(items=[_value(one, _name_of(names, dimension, one.value, end)) for one in found])


def _value(one: Top, name: ClientName | None) -> ValueCount:
    named = {"client_name": name.name, "client_name_source": name.source} if name else {}
    return ValueCount(**vars(one), **named)


def _name_of(names: ClientNames, dimension: str, value: str, at: float) -> ClientName | None:
    match dimension:
        case "client":
            return names.named(None, None, value, at)
        case "token":
            return names.named(None, value, None)
    return None
