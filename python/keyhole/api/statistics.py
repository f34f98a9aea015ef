"""``/statistics``: counts over any time, the same as the queries give."""

import time
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Queries
from keyhole.api.pagination import Page
from keyhole.api.principal import Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.queries import from_micros, history_errors, to_micros

router = APIRouter(prefix="/statistics", tags=["statistics"])

_DAY_US = 86_400_000_000
Span = tuple[int, int]


class Totals(BaseModel):
    """What became of the queries in a span of time."""

    since: datetime
    until: datetime
    total: int
    by_outcome: dict[str, int]
    by_reason: dict[str, int]
    by_transport: dict[str, int]
    waited: int = Field(description="Queries that waited for an upstream.")
    mean_wait_us: float = Field(description="How long they waited, in the mean, in microseconds.")
    rows_kept: int = Field(description="Queries in the whole history.")
    octets_kept: int
    kept_since: datetime | None = Field(description="The time of the oldest query in it.")
    counted_since: datetime | None = Field(
        description="From when on queries are counted, also those that are not in it any more."
    )
    lost: int = Field(description="Queries that could not be written down, since control started.")


class SeriesPoint(BaseModel):
    """Counts of one step."""

    time: datetime = Field(description="When the step begins.")
    by_outcome: dict[str, int]


class ValueCount(BaseModel):
    """A value and how often it occurs."""

    value: str
    total: int
    withheld: int = Field(description="How many of those were blocked or refused.")


def _span(
    since: Annotated[
        datetime | None, Query(description="Not before this; by default a day before the end.")
    ] = None,
    until: Annotated[datetime | None, Query(description="Before this; by default now.")] = None,
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
    """How many queries, and what became of them."""
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
        lost=size.lost,
    )


@router.get("/series")
def get_series(
    queries: Queries,
    _: Viewer,
    during: During,
    points: Annotated[int, Query(ge=1, le=2_000, description="At most so many steps.")] = 100,
) -> Page[SeriesPoint]:
    """Counts step by step, of five minutes or more each."""
    with history_errors():
        found = queries.history().series(*during, points)
    return Page(
        items=[SeriesPoint(time=from_micros(at), by_outcome=counts) for at, counts in found]
    )


@router.get("/top/{dimension}")
def get_top(
    queries: Queries,
    _: Viewer,
    during: During,
    dimension: Annotated[
        Literal["name", "client", "identity", "token", "policy", "list", "upstream", "type"],
        Path(description="What is counted."),
    ],
    most: Annotated[int, Query(ge=1, le=1_000, description="At most so many.")] = 10,
    withheld: Annotated[
        bool, Query(description="Count what was blocked or refused, instead of all.")
    ] = False,
) -> Page[ValueCount]:
    """What was in most queries."""
    with history_errors():
        found = queries.history().tops(dimension, *during, most=most, is_withheld=withheld)
    return Page(items=[ValueCount(**vars(one)) for one in found])
