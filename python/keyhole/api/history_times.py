"""Times of the query history in requests and responses, and what is answered if it fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb

from keyhole.api.problem import ApiProblem

MIN_MICROS = -62_135_596_800_000_000
_MAX_MICROS = 253_402_300_799_000_000
"""The first and the last second of a ``datetime``."""


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
