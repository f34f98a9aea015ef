"""The offsets of a zone are exactly those of the zone, to the second, for ten years ahead."""

from bisect import bisect_right
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyhole.policy.compile.zones import Step, steps

YEAR = 2026
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Nuuk",
    "Pacific/Chatham",
    "UTC",
]


def unix(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


BEGIN, END = unix(YEAR - 1, 1, 1), unix(YEAR + 11, 1, 1)


def offset_at(found: tuple[Step, ...], at: int) -> int:
    """As the engine reads it: the last step at or before the moment."""
    return found[max(bisect_right([begin for begin, _ in found], at) - 1, 0)][1]


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.integers(BEGIN, END - 1))
def test_at_every_moment_of_ten_years_the_offset_is_that_of_the_zone(zone: str, at: int) -> None:
    local = datetime.fromtimestamp(at, ZoneInfo(zone)).utcoffset()
    assert local is not None
    assert offset_at(steps(zone, YEAR), at) == local.total_seconds()


@pytest.mark.parametrize("zone", ZONES)
def test_each_step_is_the_very_second_of_a_change(zone: str) -> None:
    first, *changes = steps(zone, YEAR)
    assert first[0] == BEGIN
    for at, offset in changes:
        before, after = (datetime.fromtimestamp(one, ZoneInfo(zone)) for one in (at - 1, at))
        assert before.utcoffset() != after.utcoffset()
        assert after.utcoffset().total_seconds() == offset  # type: ignore[union-attr]
    moments = [at for at, _ in changes]
    assert moments == sorted(set(moments))


@pytest.mark.parametrize(
    ("zone", "at", "before", "after"),
    [
        # 02:00 becomes 03:00, and 03:00 becomes 02:00, at 01:00 UTC
        ("Europe/Berlin", unix(2027, 3, 28, 1), 3600, 7200),
        ("Europe/Berlin", unix(2027, 10, 31, 1), 7200, 3600),
        # at 02:00 of its own time
        ("America/New_York", unix(2027, 3, 14, 7), -18000, -14400),
        ("America/New_York", unix(2027, 11, 7, 6), -14400, -18000),
        # half an hour and no more
        ("Australia/Lord_Howe", unix(2027, 4, 3, 15), 39600, 37800),
        ("Australia/Lord_Howe", unix(2027, 10, 2, 15, 30), 37800, 39600),
    ],
)
def test_well_known_changes_are_at_their_legal_time(
    zone: str, at: int, before: int, after: int
) -> None:
    found = steps(zone, YEAR)
    assert (at, after) in found
    assert (offset_at(found, at - 1), offset_at(found, at)) == (before, after)


def test_zones_without_summer_time_have_one_step() -> None:
    assert steps("UTC", YEAR) == ((BEGIN, 0),)
    assert steps("Asia/Kolkata", YEAR) == ((BEGIN, 19_800),)


def test_the_offset_is_right_one_year_back_and_ten_ahead() -> None:
    found = steps("Europe/Berlin", YEAR)
    assert offset_at(found, unix(YEAR - 1, 7, 1)) == 7200
    assert offset_at(found, unix(YEAR + 10, 7, 1)) == 7200
    assert offset_at(found, unix(YEAR + 10, 12, 31)) == 3600
