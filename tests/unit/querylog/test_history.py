"""The history finds and counts every logged query, even if the process is killed."""

import json
import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyhole.querylog.history import Criteria, History, Retention
from keyhole.querylog.history import compact as compacting
from keyhole.querylog.history import history as histories
from keyhole.querylog.history.segment import segments
from keyhole.querylog.spool import Piece, Position
from tests.world.history import FOREVER, Place, at_each_write, line, names

_NOW = 1_795_600_000_000_000
_DAY = 86_400_000_000


def test_what_was_written_is_found_at_once(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW, name="one.example.org"))
    assert names(history) == ["one.example.org"]
    place.write(line(_NOW + 1, name="two.example.org"))
    assert names(history) == ["two.example.org", "one.example.org"]


def test_every_field_comes_back_as_it_was(place: Place) -> None:
    history = place.open()
    given = line(
        _NOW + 123, identity="spiffe://a/b", token="tv", list="ads", rule="p.yaml:3", observed="x",
        duration_us=77, upstream=None, type="TYPE65280",
    )  # fmt: skip
    place.write(given)
    (row,) = history.search(Criteria()).rows
    assert row.fields == {**given, "time": _NOW + 123, "engine": "local"}


def test_a_log_that_was_rotated_meanwhile_is_taken_whole_and_once(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW, name="a"), line(_NOW + 1, name="b"))
    history.ingest()
    place.write(line(_NOW + 2, name="c"))
    (place.spool / "queries.jsonl").rename(place.spool / "queries.1.jsonl")
    place.write(line(_NOW + 3, name="d"))
    assert names(history) == ["d", "c", "b", "a"]
    (place.spool / "queries.jsonl").rename(place.spool / "queries.1.jsonl")
    place.write(line(_NOW + 4, name="e"))
    assert names(history) == ["e", "d", "c", "b", "a"]


def test_damaged_lines_are_left_out_and_lost_ones_counted(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW, name="a"), b"not json\n", b"{}\n", b'{"lost": 12}\n', b"\xff\xfe\n")
    place.write(line(_NOW + 1, name="b"), b'{"time": "half a li')
    assert names(history) == ["b", "a"]
    assert history.size.lost == 12


_ODD = "\x1b[31m\r\n"
ODD: list[dict[str, Any]] = [
    {field: value}
    for field, values in {
        "time": (None, "", 7),
        "transport": (None, "", _ODD),
        "outcome": (None, "", _ODD),
        "reason": (None, "", _ODD, "two words"),
        "client": ("", _ODD, "1.2.3.4.5"),
        "identity": ("", _ODD, "spiffe://a/../b"),
        "name": (None,),
        "type": (None, "", _ODD, "TYPE99999"),
        "duration_us": (None, -1, 2**62, 2**70, "x"),
        "snapshot": (-1,),
        "count": (0, -5, 2**53),
    }.items()
    for value in values
]


@pytest.mark.parametrize("engine", ["", "berlin"])
def test_no_line_of_an_engine_keeps_the_others_from_being_found(place: Place, engine: str) -> None:
    """A12, F3: one without a reason broke search, graph and clients as long as it was kept."""
    odd = [json.dumps(line(_NOW, **one)).encode() + b"\n" for one in ODD]
    good = json.dumps(line(_NOW)).encode() + b"\n"
    lines = b"".join([*odd, b"[]\n", b"null\n", b"\xff\n", good])
    history = place.open()
    if engine:
        history.ingest_from(engine, Piece(lines, Position("0" * 16, len(lines))), engine)
    else:
        place.write(lines)
        history.ingest()
    assert names(history) == ["www.example.org"]
    counted = history.totals(0, 2**60)
    assert (counted.total, counted.by_reason) == (1, {"forwarded": 1})


def _counts(log: str, at: int, key: list[str], total: int) -> bytes:
    record = {"log": log, "since": at - 10, "time": at, "queries": [[*key, total, 0]]}
    return json.dumps(record).encode() + b"\n"


def test_no_number_that_an_engine_counts_keeps_totals_from_being_told(place: Place) -> None:
    """A12, F4: neither numbers whose sum overflows, nor those of another time, nor ever new words;
    what another engine counts is still there."""
    history, now = place.open(), int(time.time())
    key = ["udp", "answered", "cached"]
    for engine in ("berlin", "paris"):
        for number in range(3):
            logs = [f"{number}-{one}" for one in range(600)]
            history.count_from(engine, b"".join(_counts(log, now, key, 2**53 - 1) for log in logs))
        words = [_counts("words", now, ["udp", "answered", f"w{n}"], 1) for n in range(3_000)]
        history.count_from(engine, b"".join(words))
    history.count_from("rome", _counts("good", now, ["tcp", "answered", "cached"], 7))
    for at in (0, now + 10**9, 2**52):
        history.count_from("oslo", _counts(f"at {at}", at, ["dot", "answered", "cached"], 7))
    found = history.totals(0, 2**60)
    assert found.by_transport["tcp"] == 7
    assert "dot" not in found.by_transport
    assert len(found.by_reason) < 2_500


def test_a_line_that_is_not_whole_yet_is_taken_when_it_is(place: Place) -> None:
    history = place.open()
    text = json.dumps(line(_NOW, name="late")).encode() + b"\n"
    place.write(line(_NOW, name="first"), text[:40])
    assert names(history) == ["first"]
    place.write(text[40:])
    assert sorted(names(history)) == ["first", "late"]


def test_queries_around_midnight_lie_in_their_days(place: Place) -> None:
    midnight = _NOW // _DAY * _DAY
    place.write(line(midnight - 1, name="before"), line(midnight, name="after"))
    history = place.open()
    assert names(history) == ["after", "before"]
    assert len({one.folder for one in history.segments}) == 2


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(
        ["a.example.org", "b.a.example.org", "xa.example.org", "example.org", "."]
    ),
    "client": st.sampled_from(["192.0.2.1", "192.0.2.11", None]),
    "identity": st.sampled_from(["spiffe://k/ns/a", "spiffe://k/ns/ab", None]),
    "outcome": st.sampled_from(["answered", "blocked", "refused"]),
    "list": st.sampled_from(["ads", None]),
    "type": st.sampled_from(["A", "AAAA"]),
    "duration_us": st.integers(0, 3),
}
_ROW = st.fixed_dictionaries({"at": st.integers(0, 40), **_VALUES})
_WANTED = st.fixed_dictionaries(
    {},
    optional={
        "since": st.integers(0, 40),
        "until": st.integers(0, 40),
        "name": st.sampled_from(["a.example.org", "A.EXAMPLE.org.", "none.example"]),
        "below": st.sampled_from(["a.example.org", "example.org", "org"]),
        "contains": st.sampled_from(["xa", "A.ex", "%", "_"]),
        "expression": st.sampled_from(["^a", "a\\.example", "(b|x)a"]),
        "client": st.sampled_from(["192.0.2.1", "192.0.2.1*", "spiffe://k/ns/a*"]),
        "outcome": st.sampled_from(["blocked"]),
        "type": st.sampled_from(["aaaa"]),
        "list": st.sampled_from(["ads"]),
        "slower_than_us": st.integers(0, 2),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=st.lists(st.lists(_ROW, max_size=12), min_size=1, max_size=4), wanted=_WANTED)
def test_a_search_finds_what_a_plain_loop_finds(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[dict[str, Any]]],
    wanted: dict[str, Any],
) -> None:
    place = Place(tmp_path_factory.mktemp("history"))
    history = place.open()
    rows: list[dict[str, Any]] = []
    for batch in batches:
        for row in batch:
            fields = {key: value for key, value in row.items() if key != "at"}
            place.write(line(_NOW + row["at"], snapshot=len(rows), **fields))
            rows.append({**fields, "at": row["at"], "number": len(rows)})
        history.ingest()
    asked = {**wanted}
    for key in ("since", "until"):
        if key in asked:
            asked[key] += _NOW
    expected = sorted((row["at"], row["number"]) for row in rows if _fits(row, wanted))
    found = []
    after = None
    while True:
        page = history.search(Criteria(**asked), limit=5, after=after)
        assert len(page.rows) <= 5
        moments = [row.fields["time"] for row in page.rows]
        assert moments == sorted(moments, reverse=True)
        found += [(row.fields["time"] - _NOW, row.fields["snapshot"]) for row in page.rows]
        after = page.next
        if after is None:
            break
    assert sorted(found) == expected
    _statistics_agree(history, rows)
    place.close()


def _fits(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    import re

    known = [one for one in (row["identity"], row["client"]) if one]
    name = row["name"]
    checks: dict[str, Callable[[Any], bool]] = {
        "since": lambda value: row["at"] >= value,
        "until": lambda value: row["at"] < value,
        "name": lambda value: name == value.lower().rstrip("."),
        "below": lambda value: name == value or name.endswith(f".{value}"),
        "contains": lambda value: value.lower() in name,
        "expression": lambda value: re.search(value, name) is not None,
        "client": lambda value: any(
            one.startswith(value[:-1]) if value.endswith("*") else one == value for one in known
        ),
        "outcome": lambda value: row["outcome"] == value,
        "type": lambda value: row["type"] == value.upper(),
        "list": lambda value: row["list"] == value,
        "slower_than_us": lambda value: row["duration_us"] > value,
    }
    return all(checks[key](value) for key, value in wanted.items())


def _statistics_agree(history: History, rows: list[dict[str, Any]]) -> None:
    """The whole time span, and a part that begins and ends inside of segments."""
    for since, until in ((0, 100), (10, 30)):
        within = [row for row in rows if since <= row["at"] < until]
        span = (_NOW + since, _NOW + until)
        found = history.totals(*span)
        assert found.total == len(within)
        assert found.by_outcome == Counter(row["outcome"] for row in within)
        steps = history.series(*span, 10)
        assert sum(sum(counts.values()) for _, counts in steps) == len(within)
        by_reason: Counter[str] = Counter()
        for _, counts in history.series(*span, 10, by="reason"):
            by_reason.update(counts)
        assert by_reason == found.by_reason
        for dimension in ("name", "client", "list"):
            values = Counter(row[dimension] for row in within if row[dimension] is not None)
            tops = history.tops(dimension, *span, most=100)
            assert {top.value: top.total for top in tops} == values
            assert history.distinct(dimension, *span) == len(values)


def test_tops_of_what_passed_leave_out_what_was_withheld(place: Place) -> None:
    history = place.open()
    queries = [("both", "blocked"), ("both", "answered"), ("ads", "blocked"), ("ads", "refused")]
    queries += [("good", "answered"), ("good", "answered")]
    for number, (name, outcome) in enumerate(queries):
        place.write(line(_NOW + number, name=name, outcome=outcome))
    for span in ((0, 2 * _NOW), (_NOW, _NOW + len(queries))):
        found = history.tops("name", *span, most=9, is_passed=True)
        assert [(one.value, one.passed) for one in found] == [("good", 2), ("both", 1)]
        assert [one.value for one in history.tops("name", *span, most=1, is_passed=True)] == [
            "good"
        ]


def test_one_of_several_reasons_is_enough_and_of_none_never(place: Place) -> None:
    history = place.open()
    for number, reason in enumerate(("forwarded", "cached", "local_record")):
        place.write(line(_NOW + number, name=f"{reason}.example.org", reason=reason))

    def found(*reasons: str) -> list[str]:
        rows = history.search(Criteria(reasons=reasons)).rows
        return [row.fields["reason"] for row in rows]

    assert found("cached", "local_record", "x' OR true --") == ["local_record", "cached"]
    assert found() == []


def test_upstreams_count_what_they_were_asked_and_not_what_was_remembered(place: Place) -> None:
    history = place.open()
    for number, (upstream, reason) in enumerate(
        [("a", "forwarded"), ("a", "cached"), ("b", "forwarded"), ("a", "forwarded"), (None, "x")]
    ):
        place.write(line(_NOW + number, upstream=upstream, reason=reason))
    assert history.forwarded(_NOW, _NOW + 3) == {"a": 1, "b": 1}
    assert list(history.forwarded(0, 2 * _NOW).items()) == [("a", 2), ("b", 1)]
    assert history.forwarded(0, 5) == {}


def test_joining_segments_changes_no_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "MAX_SMALL", 4)
    history = place.open()
    for number in range(12):
        place.write(line(_NOW + number, name=f"n{number}.example.org"))
        history.ingest()
    before = names(history), history.totals(0, 2 * _NOW), history.tops("name", 0, 2 * _NOW, most=99)
    assert len(history.segments) == 12
    history.maintain()
    assert len(history.segments) == 1
    after = names(history), history.totals(0, 2 * _NOW), history.tops("name", 0, 2 * _NOW, most=99)
    assert after == before


def test_new_segments_are_joined_soon_and_large_ones_are_left(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "MAX_SMALL", 4)
    monkeypatch.setattr(histories, "NEW_ROWS", 3)
    history = place.open()
    place.write(*(line(_NOW + number, name=f"n{number}.example.org") for number in range(3)))
    history.ingest()
    for number in range(3, 7):
        place.write(line(_NOW + number, name=f"n{number}.example.org"))
        history.ingest()
    history.join_new()
    assert [one.rows for one in history.segments] == [3, 1, 1, 1, 1]
    place.write(line(_NOW + 7, name="n7.example.org"))
    before = names(history)
    history.join_new()
    assert [one.rows for one in history.segments] == [3, 5]
    assert names(history) == before == [f"n{number}.example.org" for number in range(7, -1, -1)]


def test_killed_at_any_write_nothing_is_lost_and_nothing_doubled(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every state of the disk between two steps, a new process finds every query."""
    monkeypatch.setattr(compacting, "MAX_SMALL", 2)
    history = place.open()
    expected: list[str] = []
    states: list[tuple[Path, list[str]]] = []

    def keep() -> None:
        copy = tmp_path / f"state{len(states)}"
        shutil.copytree(place.spool, copy / "log")
        states.append((copy, list(expected)))

    with at_each_write(keep):
        for number in range(3):
            expected.append(f"n{number}")
            place.write(line(_NOW + number, name=f"n{number}"))
            history.ingest()
        history.maintain()
    monkeypatch.undo()
    assert len(states) > 30
    for folder, written in states:
        root = folder / "log" / "history"
        again = History(root, folder / "log", FOREVER)
        assert names(again) == written[::-1], folder
        again.close()


def test_the_oldest_make_room_by_age(place: Place) -> None:
    import time

    now = int(time.time() * 1e6)
    history = place.open(Retention(2 * 86_400, 2**40))
    for days in (5, 3, 1, 0):
        place.write(line(now - days * _DAY, name=f"d{days}"))
        history.ingest()
    assert history.maintain() == 2
    assert names(history) == ["d0", "d1"]


def test_the_oldest_make_room_by_size(place: Place) -> None:
    import time

    now = int(time.time() * 1e6)
    history = place.open(Retention(10**9, 30_000))
    chance = random.Random(1)
    for number in range(20):
        rows = [
            line(now - _DAY + number, name=f"{chance.getrandbits(64):x}.example") for _ in range(50)
        ]
        place.write(*rows)
        history.ingest()
    before = history.size.octets
    gone = history.maintain()
    assert before > 30_000
    assert gone > 0
    assert history.size.octets <= 30_000
    assert names(history, Criteria(since=now - _DAY + 19))


def test_random_names_leave_memory_bounded_and_totals_exact(place: Place) -> None:
    """Many different names; ``./dev bench log`` has half a million."""
    history = place.open()
    chance = random.Random(2)
    for batch in range(5):
        place.write(
            *(
                line(_NOW + batch, name=f"{chance.getrandbits(128):032x}.example", token=f"t{n}")
                for n in range(4_000)
            )
        )
        history.ingest()
    assert history.totals(0, 2 * _NOW).total == 20_000
    assert len(history.tops("name", 0, 2 * _NOW, most=1_000)) == 1_000
    assert len(history.tops("token", 0, 2 * _NOW, most=10)) == 10


def test_only_whole_segments_count(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW))
    history.ingest()
    day = history.segments[0].folder
    (day / "1-2-3-x.rows.parquet.part").write_bytes(b"")
    (day / "nonsense.rows.parquet").write_bytes(b"")
    (place.root / "day=elsewhere").mkdir()
    assert len(segments(place.root)) == 1


def test_segments_that_go_away_under_a_question_cost_no_answer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "MAX_SMALL", 2)
    history = place.open()
    for number in range(6):
        place.write(line(_NOW + number, name=f"n{number}"))
        history.ingest()
    stale = history.segments
    history.maintain()
    # These are the segments of a query that began before.
    history._segments = stale
    assert names(history) == [f"n{number}" for number in reversed(range(6))]
    history._segments = stale
    assert history.totals(0, 2 * _NOW).total == 6
    history._segments = stale
    assert len(history.tops("name", 0, 2 * _NOW, most=9)) == 6


def test_a_history_at_rest_answers_again_and_a_question_never_loses_its_connection(
    place: Place,
) -> None:
    history = place.open()
    place.write(line(_NOW, name="one.example.org"))
    assert names(history) == ["one.example.org"]
    history.rest()
    place.write(line(_NOW + 1, name="two.example.org"))
    assert names(history) == ["two.example.org", "one.example.org"]

    def rests_meanwhile(cursor: Any, _found: Any, _indexes: Any) -> Any:
        history.rest()
        return cursor.execute("SELECT 1").fetchall()

    assert history.ask(rests_meanwhile) == [(1,)]
    place.close()
    with pytest.raises(duckdb.ConnectionException, match="closed"):
        names(history)


def test_a_history_that_is_closed_lets_a_question_end(place: Place) -> None:
    history = place.open()
    pipe = place.root / "pipe"
    os.mkfifo(pipe)
    query = f"SELECT * FROM read_csv('{pipe}', auto_detect = false, columns = {{'one': 'INT'}})"
    answers: list[Any] = []

    def ask() -> None:
        answers.append(history.ask(lambda cursor, _, __: cursor.execute(query).fetchall()))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    with pipe.open("w") as file:  # opens once the statement reads it
        place.close()
        assert not history.is_at_rest
        file.write("7\n")
    thread.join(60)
    assert answers == [[(7,)]]
    assert history.is_at_rest, "the last one to use the connection ends it"
