"""``/queries/histogram`` and ``/queries/top``: counts of the queries that a search finds."""

import time
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Queries, RunningServices
from keyhole.api.history_times import from_micros, history_errors
from keyhole.api.pagination import Page
from keyhole.api.principal import Viewer
from keyhole.api.query_criteria import SearchCriteria, rules_in_force
from keyhole.api.statistics import SeriesPoint
from keyhole.querylog.history.histogram import MAX_BARS, histogram
from keyhole.querylog.history.top_values import Dimension, top_values

router = APIRouter(prefix="/queries", tags=["queries"])

_MICROS = 1_000_000
_SEARCHED_TO = (
    "Set if there are more rows than are counted: it has covered everything newer than this."
)


class Histogram(Page[SeriesPoint]):
    """Counts of matching queries in equal intervals; those without queries are left out."""

    since: datetime = Field(description="The start of the time span.")
    until: datetime = Field(description="The end of the time span, exclusive.")
    step_seconds: int = Field(description="The length of an interval.")
    total: int = Field(description="All of these queries.")
    searched_to: datetime | None = Field(None, description=_SEARCHED_TO)


class QueryTopValue(BaseModel):
    """A value and its number of matching queries."""

    value: str = Field(description="The value of the dimension.")
    total: int = Field(description="Queries with this value.")
    withheld: int = Field(description="Those of them that were blocked or refused.")
    last: datetime = Field(description="The time of the last one.")


class QueryTopValues(Page[QueryTopValue]):
    """The most frequent values among matching queries."""

    searched_to: datetime | None = Field(None, description=_SEARCHED_TO)


@router.get("/histogram")
def get_query_histogram(
    queries: Queries,
    _: Viewer,
    wanted: SearchCriteria,
    points: Annotated[
        int, Query(ge=2, le=MAX_BARS, description="Maximum number of intervals.")
    ] = 120,
) -> Histogram:
    """Counts the queries that a search with the same criteria finds, over time. Without since it
    begins with the oldest query of the history."""
    now = int(time.time() * _MICROS)
    with history_errors():
        found = queries.history().ask(
            lambda cursor, segments, indexes: histogram(
                cursor, segments, indexes, wanted, until=now, most=points
            )
        )
    return Histogram(
        items=[SeriesPoint(time=from_micros(at), by_outcome=counts) for at, counts in found.bars],
        since=from_micros(found.since),
        until=from_micros(found.until),
        step_seconds=found.step // _MICROS,
        total=found.total,
        searched_to=None if found.searched_to is None else from_micros(found.searched_to),
    )


@router.get("/top/{dimension}")
def get_query_top(
    services: RunningServices,
    queries: Queries,
    _: Viewer,
    wanted: SearchCriteria,
    dimension: Annotated[
        Dimension,
        Path(
            description="What to count by. domain: the registered domain of the name, by its "
            "labels. client: the SPIFFE ID, else the token, else the address. protection: "
            "protected, encrypted_only, authenticated_only or neither. proof: what proved who the "
            "client is."
        ),
    ],
    most: Annotated[int, Query(ge=1, le=1_000, description="Maximum number of values.")] = 100,
) -> QueryTopValues:
    """Lists the most frequent values among the queries that a search with the same criteria
    finds."""
    rules = rules_in_force(services)
    with history_errors():
        found = queries.history().ask(
            lambda cursor, segments, indexes: top_values(
                cursor, segments, indexes, wanted, dimension, most=most, rules=rules
            )
        )
    return QueryTopValues(
        items=[
            QueryTopValue(**{**vars(one), "last": from_micros(one.last)}) for one in found.values
        ],
        searched_to=None if found.searched_to is None else from_micros(found.searched_to),
    )
