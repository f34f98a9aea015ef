"""The rate of queries is that of the last seconds, and known at the first look of a person."""

from typing import cast

import pytest

from keyhole.control.query_rate import SPAN, QueryRate
from keyhole.model.engine_stats import EngineStats


def _rate(*looks: tuple[float, int]) -> float | None:
    now = 0.0
    rate = QueryRate(lambda: now)
    for moment, total in looks:
        now = moment
        queries = {"udp": {"cached": total // 2}, "dot": {"forwarded": total - total // 2}}
        rate.add(cast(EngineStats, {"queries": queries}))
    return rate.now


def test_a_rate_is_the_difference_of_two_looks_by_the_time_between_them() -> None:
    assert _rate((0, 100)) is None
    assert _rate((0, 100), (5, 150)) == 10


def test_a_rate_is_that_of_the_last_seconds_alone() -> None:
    steps = [(float(at), 1_000 if at else 0) for at in range(0, 30, 5)]
    assert _rate(*steps) == 0
    # Looks in quick succession do not make the span shorter than it is.
    assert _rate((0, 0), (SPAN, 100), (SPAN + 0.01, 100)) == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(
    "looks",
    [
        # An engine that was started again.
        [(0.0, 500), (5.0, 20)],
        # Nobody looked for a while: control was stopped, or the machine slept.
        [(0.0, 500), (600.0, 900)],
        [(5.0, 500), (5.0, 501)],
        # One of the monitor and one of a person, at nearly the same moment.
        [(5.0, 500), (5.01, 503)],
    ],
)
def test_no_rate_is_made_up(looks: list[tuple[float, int]]) -> None:
    assert _rate(*looks) is None
