"""After a time clients are removed everywhere, and nothing else is."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from keyhole.querylog.history import Criteria, History, Retention
from keyhole.querylog.history import anonymize as module
from keyhole.querylog.history import compact as compacting
from keyhole.querylog.history import name_index as index_module
from keyhole.querylog.history.segment import CLIENT_COLUMNS, rewrite_part
from tests.world.history import Place, at_each_write, line, names

DAY = 86_400
_NOW = 1_790_000_000
YEAR = 365 * DAY
FOREVER = 10**9
ADDRESS, IDENTITY, TOKEN = "198.51.100.77", "spiffe://k.example/ns/a/sa/secret", "televisor"
SECRETS = [one.encode() for one in (ADDRESS, IDENTITY, TOKEN)]
# A log file is identified by its first line, so no two lines may be the same.
_SERIAL = itertools.count()
LATER = Retention(FOREVER, 2**50, anonymize_after=2.5 * DAY)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A history with a fixed clock."""
    monkeypatch.setattr("time.time", lambda: float(_NOW))
    made = Place(tmp_path)
    yield made
    made.close()


def _ask(place: Place, day: int) -> None:
    """Queries of all clients, ``day`` days ago, in a segment of their own."""
    moment = (_NOW - day * DAY) * 1_000_000
    for number, who in enumerate(({"identity": IDENTITY}, {"token": TOKEN}, {}, {})):
        # At the same time, so that they differ only by their order.
        blocked = {"outcome": "blocked", "reason": "blocked_by_list", "list": "ads"}
        changes: dict[str, Any] = {**who, **(blocked if number == 2 else {})}
        changes["snapshot"] = next(_SERIAL)
        place.write(line(moment, name=f"n{number}.d{day}.example", client=ADDRESS, **changes))
    place.open().ingest()
    # The engine's log keeps clients until it is rotated.
    for file in place.spool.glob("queries*.jsonl"):
        file.unlink()


def _fill(place: Place, days: int = 4) -> None:
    for day in range(days, 0, -1):
        _ask(place, day)


def _numbers(history: History, *, is_old: bool = False) -> Any:
    """All results but clients; with ``is_old``, of the queries to anonymize."""
    span = (0, int((_NOW - 2.5 * DAY if is_old else _NOW) * 1_000_000))
    return (
        names(history, Criteria(until=span[1])),
        history.totals(*span),
        history.series(*span, 100),
        [history.tops(one, *span, most=99) for one in ("name", "policy", "list", "type")],
        [
            {key: value for key, value in row.fields.items() if key not in CLIENT_COLUMNS}
            for row in history.search(Criteria(until=span[1])).rows
        ],
    )


def _who(history: History, since: int, until: int) -> list[set[str]]:
    """The clients in statistics and in a search, between so many days ago."""
    span = ((_NOW - since * DAY) * 1_000_000, (_NOW - until * DAY) * 1_000_000 + 1)
    tops = {top.value for word in CLIENT_COLUMNS for top in history.tops(word, *span, most=9)}
    rows = history.search(Criteria(since=span[0], until=span[1])).rows
    return [tops, {row.fields[word] for row in rows for word in CLIENT_COLUMNS} - {None}]


def _named_files(root: Path) -> list[str]:
    """The files that hold a client; Parquet files are compressed, so each is read."""
    found = []
    with duckdb.connect() as database:
        for file in sorted(one for one in root.rglob("*") if one.is_file()):
            octets = file.read_bytes()
            if octets[:4] == b"PAR1":
                rows = database.execute(f"SELECT * FROM read_parquet('{file}')").fetchall()
                octets += str(rows).encode()
            if any(secret in octets for secret in SECRETS):
                found.append(file.name)
    return found


def test_nobody_is_named_any_more_and_everything_else_is_as_it_was(place: Place) -> None:
    _fill(place)
    before = _numbers(place.open())
    history = place.open(LATER)
    history.maintain()
    assert _numbers(history) == before
    everybody = {ADDRESS, IDENTITY, TOKEN}
    assert _who(history, 4, 3) == [set(), set()]
    assert _who(history, 2, 1) == [everybody, everybody]
    assert names(history, Criteria(client=ADDRESS, until=(_NOW - 3 * DAY) * 1_000_000 + 1)) == []
    old = [one.stem for one in history.segments[:2]]
    assert not [name for name in _named_files(place.root) if name.startswith(tuple(old))]
    assert _numbers(place.open()) == before, "also for a new process"


def test_without_a_time_for_it_everybody_stays_named(place: Place) -> None:
    _fill(place)
    history = place.open()
    history.maintain()
    assert _who(history, 4, 1) == [{ADDRESS, IDENTITY, TOKEN}] * 2


def test_what_is_done_is_not_done_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(place)
    place.open(LATER).maintain()
    written: list[str] = []
    looked: list[int] = []
    naming = module._with_clients

    def rewritten(connection: Any, segment: Any, part: str, select: str) -> None:
        written.append(part)
        rewrite_part(connection, segment, part, select)

    def asked(connection: Any, old: Any) -> Any:
        looked.append(len(old))
        return naming(connection, old)

    monkeypatch.setattr(module, "rewrite_part", rewritten)
    monkeypatch.setattr(module, "_with_clients", asked)
    history = place.open(LATER)
    history.maintain()
    history.maintain()
    assert written == [], "also by a new process"
    assert looked == [2, 0], "and each is checked once"
    _ask(place, 3)
    history.maintain()
    assert written == ["rows", "tops"], "but late queries are"


def test_much_of_it_is_done_round_by_round_the_oldest_first(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 9)
    _fill(place, days=7)
    history = place.open(LATER)
    history.maintain()
    assert _who(history, 7, 6) == [set(), set()], "two of four rows each"
    assert _who(history, 5, 5)[0] == {ADDRESS, IDENTITY, TOKEN}
    history.maintain()
    assert _who(history, 7, 4) == [set(), set()]
    assert _who(history, 3, 3)[0] == {ADDRESS, IDENTITY, TOKEN}
    history.maintain()
    assert _who(history, 7, 3) == [set(), set()]
    monkeypatch.setattr(module, "MAX_ROWS", 1)
    place.open(Retention(FOREVER, 2**50, anonymize_after=0.5 * DAY)).maintain()
    assert _who(place.open(), 2, 2) == [set(), set()], "one at least"
    assert _who(place.open(), 1, 1)[0] == {ADDRESS, IDENTITY, TOKEN}


def test_pages_go_on_where_they_were(place: Place) -> None:
    _fill(place)
    history = place.open(LATER)
    expected = names(history)
    first = history.search(Criteria(), limit=10)
    history.maintain()
    rest = history.search(Criteria(), limit=99, after=first.next)
    assert [row.fields["name"] for row in (*first.rows, *rest.rows)] == expected


def test_a_name_index_stays_valid(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "MIN_NEW_SEGMENTS", 2)
    _fill(place)
    place.open().maintain()
    (before,) = index_module.name_indexes(place.root)
    history = place.open(LATER)
    history.maintain()
    assert index_module.name_indexes(place.root) == [before]
    assert names(history, Criteria(contains="d4")) == [f"n{n}.d4.example" for n in (3, 2, 1, 0)]


def test_what_remains_of_rows_that_are_gone_names_nobody_either(place: Place) -> None:
    _fill(place, days=5)
    kept = Retention(1.5 * DAY, 2**40, YEAR)
    place.open(kept).maintain()
    assert _who(place.open(), 5, 2)[0] == {ADDRESS, IDENTITY, TOKEN}
    before = _numbers(place.open())
    history = place.open(Retention(1.5 * DAY, 2**40, YEAR, 2.5 * DAY))
    history.maintain()
    assert _numbers(history) == before
    assert _who(history, 5, 3)[0] == set()
    assert _who(history, 2, 2)[0] == {ADDRESS, IDENTITY, TOKEN}
    assert {name.split(".")[0].split("-")[0] for name in _named_files(place.root)} == {
        str((_NOW - day * DAY) * 1_000_000) for day in (2, 1)
    }


def test_rows_that_go_and_are_old_already_leave_nobody(place: Place) -> None:
    """Both in one run, when both settings are new."""
    _fill(place)
    place.open(Retention(0.5 * DAY, 2**40, YEAR, DAY / 2)).maintain()
    assert list((place.root / "past").glob("*.tops.parquet"))
    assert _named_files(place.root) == []


def test_joining_brings_no_name_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "MAX_SMALL", 2)
    _ask(place, 4)
    place.open(LATER).maintain()
    for _ in range(3):
        _ask(place, 4)
    history = place.open(LATER)
    history.maintain()
    assert len(history.segments) == 1
    assert len(names(history)) == 16
    assert _named_files(place.root) == []


def test_killed_at_any_write_nothing_is_lost_and_the_next_one_forgets_everybody(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every state of the disk between two steps, also where rows are removed in the same run."""
    monkeypatch.setattr(compacting, "MAX_SMALL", 2)
    for _ in range(3):
        _ask(place, 4)
    _ask(place, 3)
    # Five days ago: its rows are removed, and its rollup holds clients.
    _ask(place, 5)
    both = Retention(4.5 * DAY, 2**40, YEAR, 2.5 * DAY)
    history = place.open(both)
    before = _numbers(history)[1:3]
    states: list[Path] = []

    def keep() -> None:
        states.append(tmp_path / f"state{len(states)}")
        shutil.copytree(place.spool, states[-1])

    with at_each_write(keep):
        history.maintain()
    assert len(states) > 20
    for folder in states:
        again = History(folder / "history", folder, both)
        assert _numbers(again)[1:3] == before, folder
        again.maintain()
        assert _numbers(again)[1:3] == before, folder
        assert len(names(again)) == 16, folder
        again.close()
        assert _named_files(folder / "history") == [], folder


def test_when_the_disk_is_full_what_was_there_is_whole(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(place)
    before = _numbers(place.open())
    history = place.open(LATER)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            history.maintain()
    assert not list(place.root.rglob("*.new"))
    assert _numbers(history) == before
    history.maintain()
    assert _who(history, 4, 3) == [set(), set()]
