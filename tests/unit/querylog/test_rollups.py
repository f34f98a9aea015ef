"""Rollups outlive their rows, give the same numbers, and stay within limits."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyhole.querylog.history import History, Retention, rollups
from keyhole.querylog.history.rollups import drop_old_rollups, save_rollup
from tests.world.history import Place, line

DAY = 86_400
_NOW = 1_790_000_000
YEAR = 365 * DAY


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A history with a fixed clock."""
    monkeypatch.setattr("time.time", lambda: float(_NOW))
    made = Place(tmp_path)
    yield made
    made.close()


def _fill(place: Place, days: int = 4) -> None:
    """Ten queries on each of the last days, in one segment per day."""
    history = place.open()
    for day in range(days, 0, -1):
        moment = (_NOW - day * DAY) * 1_000_000
        for number in range(10):
            blocked = {"outcome": "blocked", "reason": "blocked_by_list", "list": "ads"}
            changes: dict[str, Any] = blocked if number % 3 == 0 else {}
            place.write(line(moment + number, name=f"n{number % 4}.example.org", **changes))
        history.ingest()


def _numbers(history: History) -> Any:
    span = (0, _NOW * 1_000_000)
    return (
        history.totals(*span),
        history.series(*span, 100),
        history.series(*span, 100, by="reason"),
        [history.tops(one, *span, most=99) for one in ("name", "client", "list", "type")],
        history.tops("name", *span, most=99, is_withheld=True),
        history.distinct("name", *span),
    )


def test_when_the_rows_are_gone_the_numbers_are_the_same(place: Place) -> None:
    _fill(place)
    before = _numbers(place.open())
    history = place.open(Retention(2.5 * DAY, 2**40, YEAR))
    assert history.maintain() == 20
    assert history.size.rows == 20
    assert history.size.counted == (_NOW - 4 * DAY) * 1_000_000
    assert _numbers(history) == before
    assert _numbers(place.open()) == before, "also for a new process"


def test_a_part_of_the_past_is_counted_by_itself(place: Place) -> None:
    _fill(place)
    history = place.open(Retention(0.5 * DAY, 2**40, YEAR))
    history.maintain()
    span = ((_NOW - 3 * DAY) * 1_000_000, (_NOW - 2 * DAY) * 1_000_000)
    assert history.totals(*span).total == 10
    assert sum(top.total for top in history.tops("name", *span, most=99)) == 10


def test_without_a_time_for_them_no_counts_are_kept(place: Place) -> None:
    _fill(place)
    history = place.open(Retention(2.5 * DAY, 2**40))
    history.maintain()
    assert history.totals(0, _NOW * 1_000_000).total == 20
    assert not list((place.root / "past").glob("*"))


def test_counts_end_at_their_time(place: Place) -> None:
    _fill(place)
    place.open(Retention(0.5 * DAY, 2**40, YEAR)).maintain()
    history = place.open(Retention(0.5 * DAY, 2**40, 2.5 * DAY))
    history.maintain()
    assert history.totals(0, _NOW * 1_000_000).total == 20


def test_counts_take_no_more_than_their_share(place: Place) -> None:
    _fill(place)
    place.open(Retention(0.5 * DAY, 2**40, YEAR)).maintain()
    kept = rollups.rollups(place.root, [])
    octets = sum(one.octets for one in kept)
    drop_old_rollups(place.root, 0, octets - 1)
    assert rollups.rollups(place.root, []) == kept[1:], "the oldest is removed"
    drop_old_rollups(place.root, 0, 0)
    assert not list((place.root / "past").iterdir())


@pytest.mark.parametrize("leave", ["remembered", "half remembered"])
def test_a_kill_between_remembering_and_dropping_counts_nothing_twice(
    place: Place, leave: str
) -> None:
    _fill(place)
    history = place.open(Retention(2.5 * DAY, 2**40, YEAR))
    before = _numbers(history)
    with history._cursor() as cursor:
        save_rollup(cursor, place.root, history.segments[0])
    if leave == "half remembered":
        (sums,) = (place.root / "past").glob("*.sums.parquet")
        sums.unlink()
    again = place.open(Retention(2.5 * DAY, 2**40, YEAR))
    assert _numbers(again) == before
    again.maintain()
    assert _numbers(again) == before


def test_the_most_frequent_are_kept_where_there_are_too_many(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "_RANKED", rollups._RANKED.replace("1000", "2"))
    _fill(place, days=1)
    history = place.open(Retention(0.5 * DAY, 2**40, YEAR))
    history.maintain()
    found = history.tops("name", 0, _NOW * 1_000_000, most=99)
    assert [top.value for top in found] == ["n0.example.org", "n1.example.org"]
    assert history.totals(0, _NOW * 1_000_000).total == 10


def test_a_full_disk_costs_counts_before_it_costs_anything_else(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(place)
    full = shutil._ntuple_diskusage(100, 99, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    place.open(Retention(2.5 * DAY, 2**40, YEAR)).maintain()
    assert not list((place.root / "past").glob("*.parquet"))
