"""Since when each upstream works, or does not, as control has seen it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from keyhole.model.engine_stats import EngineStats, UpstreamStats

Condition = Literal["works", "fails", "unknown"]


@dataclass(frozen=True)
class UpstreamTime:
    """The condition of an upstream, and since when it is so, in seconds of Unix time."""

    condition: Condition
    since: float


class UpstreamTimes:
    """Remembers the condition of each upstream of one engine, by the names of the documents.

    The monitor of the upstreams looks at the counters each five seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known: dict[str, UpstreamTime] = {}

    def add(self, stats: EngineStats) -> None:
        """Takes a look."""
        now, before = self._clock(), self._known
        self._known = {}
        for one in stats.get("upstreams", []):
            condition, known = condition_of(one), before.get(one["name"])
            is_same = known is not None and known.condition == condition
            since = known.since if known is not None and is_same else now
            self._known[one["name"]] = UpstreamTime(condition, since)

    @property
    def known(self) -> Mapping[str, UpstreamTime]:
        """By name, at the last look."""
        return self._known


def condition_of(one: UpstreamStats) -> Condition:
    """Whether an upstream works: it is asked in its order, and has answered. One that was never
    asked, or whose first answer is still to come, is not known."""
    if not one["healthy"]:
        return "fails"
    return "works" if one["answered"] else "unknown"
