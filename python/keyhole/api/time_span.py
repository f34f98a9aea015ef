"""The time span of a request: from, until, or the last so many seconds."""

import time
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from keyhole.api.history_times import MIN_MICROS, to_micros
from keyhole.api.problem import ApiProblem
from keyhole.querylog.history import EdgeCriteria

MAX_WINDOW = 86_400 * 366
"""The longest window, in seconds."""
_DAY = 86_400
_MICROS = 1_000_000


def _wanted(
    since: Annotated[
        datetime | None, Query(description="The start; by default a day before the end.")
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
) -> EdgeCriteria:
    return EdgeCriteria(*read_span(since, until, window, usual=_DAY))


def read_span(
    since: datetime | None, until: datetime | None, window: int | None, *, usual: int
) -> tuple[int, int]:
    """Start and end, exclusive, in microseconds since 1970. Without a start it is ``window``
    seconds before the end, or ``usual`` ones. Raises `ApiProblem` for a span that is none."""
    if window is not None and (since is not None or until is not None):
        raise ApiProblem(422, "not_valid", "window is instead of since and until: leave one out")
    end = to_micros(until)
    end = int(time.time() * _MICROS) if end is None else end
    begin = to_micros(since)
    begin = max(end - (window or usual) * _MICROS, MIN_MICROS) if begin is None else begin
    if begin >= end:
        raise ApiProblem(422, "not_valid", "since must be before until")
    return begin, end


DuringSpan = Annotated[EdgeCriteria, Depends(_wanted)]
"""A route parameter: the queries of a time span."""
