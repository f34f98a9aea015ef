"""With a name index, without one and with half of one, a search finds the same."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from keyhole.querylog.history import Criteria, History, Retention
from keyhole.querylog.history import connect as connecting
from keyhole.querylog.history import name_index as module
from keyhole.querylog.history import name_lookup as names_module
from keyhole.querylog.history.name_index import name_indexes
from keyhole.querylog.history.schema import COLUMNS
from keyhole.querylog.history.segment import write_segment
from tests.world.history import Place, line, names

DAY = 86_400
_NOW = 1_790_000_000 // DAY * DAY + 3_600
WANTED = [
    Criteria(),
    Criteria(name="n3.example.org"),
    Criteria(name="never.example.org"),
    Criteria(contains="n1"),
    Criteria(contains="example"),
    Criteria(contains="zzz"),
    Criteria(below="rare.example.net"),
    Criteria(expression="^n[0-3][.]"),
    Criteria(expression="^nothing$"),
    Criteria(contains="n", outcome="blocked"),
    Criteria(contains="n", since=(_NOW - 4 * DAY) * 1_000_000),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A history with a fixed clock, and two segments get an index."""
    monkeypatch.setattr("time.time", lambda: float(_NOW))
    monkeypatch.setattr(module, "MIN_NEW_SEGMENTS", 2)
    made = Place(tmp_path)
    yield made
    made.close()


def _ask(place: Place, day: int, *words: str) -> None:
    """One query for each name, ``day`` days ago, in a segment of their own."""
    moment = (_NOW - day * DAY) * 1_000_000
    for number, word in enumerate(words):
        outcome = "blocked" if number % 2 else "answered"
        place.write(line(moment + number, name=word, outcome=outcome))
    place.open().ingest()


def _fill(place: Place) -> None:
    for day in range(6, 0, -1):
        words = [f"n{(day + number) % 5}.example.org" for number in range(3)]
        _ask(place, day, *words, *(["x.rare.example.net"] if day == 3 else []))
    _ask(place, 0, "n1.example.org", "today.example.org")


def _all(history: History) -> list[list[str]]:
    return [names(history, wanted) for wanted in WANTED]


def test_every_search_finds_the_same_with_it(place: Place) -> None:
    _fill(place)
    history = place.open()
    before = _all(history)
    history.maintain()
    (one,) = name_indexes(place.root)
    assert len(one.stems) == 6, "all days before today"
    assert _all(history) == before
    assert _all(place.open()) == before


def test_what_is_asked_after_it_was_written_is_found_too(place: Place) -> None:
    _fill(place)
    history = place.open()
    history.maintain()
    place.write(line(_NOW * 1_000_000 + 10, name="fresh.n1.example.org"))
    assert names(history, Criteria(contains="n1"))[0] == "fresh.n1.example.org"


def test_one_part_of_the_log_on_two_days_is_two_segments(place: Place) -> None:
    midnight = (_NOW - _NOW % DAY - 2 * DAY) * 1_000_000
    place.write(line(midnight - 1, name="before.example.org"))
    place.write(line(midnight + 1, name="after.example.org"))
    history = place.open()
    history.ingest()
    first, second = history.segments
    assert first.origin == second.origin
    history.maintain()
    assert name_indexes(place.root)
    assert names(history, Criteria(contains="before")) == ["before.example.org"]
    assert names(history, Criteria(contains="after")) == ["after.example.org"]


def test_it_grows_until_it_is_full_and_ends_with_its_segments(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SEGMENTS", 4)
    for day in (9, 8):
        _ask(place, day, f"d{day}.example.org")
    history = place.open()
    history.maintain()
    assert [len(one.stems) for one in name_indexes(place.root)] == [2]
    for day in (7, 6):
        _ask(place, day, f"d{day}.example.org")
    history = place.open()
    history.maintain()
    assert sorted(len(one.stems) for one in name_indexes(place.root)) == [2, 2]
    expected = [f"d{day}.example.org" for day in (6, 7, 8, 9)]
    assert names(history, Criteria(contains="d")) == expected
    for one in history.segments:
        one.drop()
    place.open().maintain()
    assert name_indexes(place.root) == []
    assert list((place.root / "lexicon").iterdir()) == []


def test_names_that_are_too_many_for_it_are_found_segment_by_segment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(place)
    history = place.open()
    before = _all(history)
    history.maintain()
    monkeypatch.setattr(names_module, "MAX_NAMES", 1)
    assert _all(history) == before


def test_half_a_name_index_is_none(place: Place) -> None:
    _fill(place)
    history = place.open()
    before = _all(history)
    history.maintain()
    (note,) = (place.root / "lexicon").glob("*.json")
    (place.root / "lexicon" / "left.new").write_bytes(b"half")
    octets = note.read_bytes()
    note.write_bytes(octets[:7])
    assert _all(place.open()) == before
    note.unlink()
    again = place.open()
    again.maintain()
    assert len(name_indexes(place.root)) == 1
    assert _all(again) == before
    assert len(list((place.root / "lexicon").iterdir())) == 2, "the incomplete one is removed"


def test_a_full_one_is_written_within_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a sixth of the usual memory; every segment has the same names."""
    monkeypatch.setattr(connecting, "MEMORY", "64MiB")
    database = connecting.connect(tmp_path)
    kinds = {**COLUMNS, "time": "BIGINT"}
    nothing = ", ".join(f'NULL::{kind} AS "{column}"' for column, kind in kinds.items())
    database.execute(
        f'CREATE TABLE day AS SELECT * EXCLUDE (i) REPLACE (i AS "time", '
        f"md5(i::VARCHAR) || '.org' AS name) FROM (SELECT {nothing}, i FROM range(20_000) t(i))"
    )
    made = [
        write_segment(database, "day", tmp_path / "day=2026-01-01", f"made{number}")
        for number in range(module.MAX_SEGMENTS)
    ]
    module.refresh(database, tmp_path, [one for one in made if one is not None])
    (one,) = name_indexes(tmp_path)
    found = database.execute(f"SELECT count(*), min(places) FROM {module.source(one)}").fetchone()
    assert found == (20_000, 2**module.MAX_SEGMENTS - 1)
    database.close()


def test_one_that_cannot_be_written_hinders_nothing_else(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(place)
    history = place.open(Retention(3.5 * DAY, 2**40))

    def full(*_: object) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: no more")

    monkeypatch.setattr(module, "_write", full)
    with pytest.raises(duckdb.OutOfMemoryException):
        history.maintain()
    assert history.size.rows == 12, "the old rows are removed"
    assert len(names(history)) == 12
