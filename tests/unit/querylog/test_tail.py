"""Following the query log while it is written and rotated."""

import json
from pathlib import Path

from keyhole.querylog import Tail
from tests.unit.querylog.test_read import EVENT


def line(name: str) -> str:
    return json.dumps({**EVENT, "name": name}) + "\n"


def names(tail: Tail) -> list[str | None]:
    return [entry.name for entry in tail.new()]


def test_first_all_that_is_there_is_given_and_then_what_comes(tmp_path: Path) -> None:
    older, current = tmp_path / "queries.1.jsonl", tmp_path / "queries.jsonl"
    older.write_text(line("a.example"))
    current.write_text(line("b.example"))
    tail = Tail(tmp_path)
    assert names(tail) == ["a.example", "b.example"]
    assert names(tail) == []
    with current.open("a") as file:
        file.write(line("c.example") + "{damaged\n" + json.dumps({"lost": 1}) + "\n")
        file.flush()
        assert names(tail) == ["c.example"]
    tail.close()


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    whole = line("a.example")
    with (tmp_path / "queries.jsonl").open("w") as file:
        tail = Tail(tmp_path)
        file.write(whole[:40])
        file.flush()
        assert names(tail) == []
        file.write(whole[40:])
        file.flush()
        assert names(tail) == ["a.example"]
    tail.close()


def test_a_rotation_loses_nothing(tmp_path: Path) -> None:
    older, current = tmp_path / "queries.1.jsonl", tmp_path / "queries.jsonl"
    current.write_text(line("a.example"))
    tail = Tail(tmp_path)
    assert names(tail) == ["a.example"]
    with current.open("a") as file:
        file.write(line("b.example"))
    current.rename(older)
    current.write_text(line("c.example"))
    assert names(tail) == ["b.example", "c.example"]
    tail.close()


def test_a_log_that_is_not_there_yet_is_followed_from_its_beginning(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "log")
    assert names(tail) == []
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "queries.jsonl").write_text(line("a.example"))
    assert names(tail) == ["a.example"]
    tail.close()


def _write_file(path: Path, before: int, *queries: str) -> None:
    first = json.dumps({"lost": 0, "before": before}) + "\n"
    path.write_text(first + "".join(map(line, queries)))


def test_what_was_rotated_away_before_it_was_read_is_counted(tmp_path: Path) -> None:
    """F4: the files before say how many queries they hold."""
    older, current = tmp_path / "queries.1.jsonl", tmp_path / "queries.jsonl"
    current.write_text(line("a.example") + line("b.example"))
    tail = Tail(tmp_path)
    tail.skip()
    current.unlink()
    _write_file(older, 7, "h.example")
    _write_file(current, 8, "i.example")
    assert names(tail) == ["h.example", "i.example"]
    assert tail.missed == 5
    _write_file(older.with_suffix(".new"), 9, "j.example")
    current.rename(older)
    older.with_suffix(".new").rename(current)
    assert names(tail) == ["j.example"]
    assert tail.missed == 5, "one rotation loses nothing"
    with current.open("a") as file:
        file.write(json.dumps({"lost": 3}) + "\n" + line("n.example"))
    assert names(tail) == ["n.example"]
    assert tail.missed == 8
    tail.close()
