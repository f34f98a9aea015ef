"""The offsets of a time zone from UTC, for the engine, which knows no time zones."""

from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from zoneinfo import ZoneInfo

YEARS = 10
# No zone changes twice within so many seconds.
_STEP_SECONDS = 24 * 3600

Step = tuple[int, int]
"""A second of Unix time, and the offset east of UTC from then on, in seconds."""


@lru_cache(maxsize=256)
def steps(zone: str, year: int) -> tuple[Step, ...]:
    """The offsets of a zone from the year before ``year`` to ten years after it.

    The first step is the beginning of the span, each further one the second of a change. The year
    before is for queries about the past.
    """
    known = ZoneInfo(zone)
    at, end = _new_year(year - 1), _new_year(year + YEARS + 1)
    found = [(at, _offset(known, at))]
    for begin in count(at, _STEP_SECONDS):
        if begin >= end:
            return tuple(found)
        ahead = min(begin + _STEP_SECONDS, end)
        if _offset(known, ahead) != found[-1][1]:
            change = _first_change(known, begin, ahead)
            found.append((change, _offset(known, change)))
    raise AssertionError("the loop ends at the end of the span")


def _first_change(zone: ZoneInfo, before: int, after: int) -> int:
    """The second at which the offset changes, in (before, after]."""
    old = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def _new_year(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
