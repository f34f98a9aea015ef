"""Since when an upstream works or does not is remembered until that changes."""

import json
from pathlib import Path
from typing import Any

from keyhole.control.upstream_times import UpstreamTimes

_GOLDEN = Path(__file__).parents[2] / "contract" / "golden" / "stats.json"


def _stats(**changes: Any) -> Any:
    stats = json.loads(_GOLDEN.read_text())
    stats["upstreams"] = [{**stats["upstreams"][0], "name": "one", **changes}]
    return stats


def test_a_condition_has_the_time_when_it_was_first_seen() -> None:
    clock = iter((100.0, 105.0, 110.0, 115.0, 120.0))
    times = UpstreamTimes(lambda: next(clock))
    seen = []
    for healthy, answered in ((True, 0), (True, 1), (True, 7), (False, 7), (False, 7)):
        times.add(_stats(healthy=healthy, answered=answered))
        seen.append((times.known["one"].condition, times.known["one"].since))
    assert seen == [
        ("unknown", 100.0),
        ("works", 105.0),
        ("works", 105.0),
        ("fails", 115.0),
        ("fails", 115.0),
    ]


def test_an_upstream_that_is_not_in_use_any_more_is_forgotten() -> None:
    times = UpstreamTimes()
    stats = _stats()
    times.add(stats)
    stats["upstreams"] = []
    times.add(stats)
    assert times.known == {}
