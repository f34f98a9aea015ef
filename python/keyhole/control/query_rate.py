"""Queries per second now, from the counters that control reads for other reasons anyway."""

import time
from collections import deque
from collections.abc import Callable

from keyhole.model.engine_stats import EngineStats

SPAN = 10.0
"""Seconds: a longer one is no longer now, and a shorter one jumps."""
_TOO_OLD = 30.0
_TOO_SHORT = 2.0
"""Two looks so near to one another say nothing of a second."""


class QueryRate:
    """Remembers how many queries had ended at the last looks at the counters of one engine.

    The monitor of the upstreams looks each five seconds, so that the first look of a person already
    has a rate.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: deque[tuple[float, int]] = deque()

    def add(self, stats: EngineStats) -> None:
        """Takes a look."""
        total = sum(sum(reasons.values()) for reasons in stats["queries"].values())
        # An engine that was started again counts from zero.
        if self._looks and total < self._looks[-1][1]:
            self._looks.clear()
        now = self._clock()
        self._looks.append((now, total))
        # One that is older than the span stays: the rate is over at least that long.
        while len(self._looks) > 1 and self._looks[1][0] <= now - SPAN:
            self._looks.popleft()

    @property
    def now(self) -> float | None:
        """Queries per second; none in the first seconds, or where the look before is too old."""
        if len(self._looks) < 2:
            return None
        (begin, before), (end, after) = self._looks[0], self._looks[-1]
        if not _TOO_SHORT <= end - begin <= _TOO_OLD:
            return None
        return (after - before) / (end - begin)
