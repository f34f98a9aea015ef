"""An offer becomes the last good snapshot only after its digest and content are verified."""

import hashlib
import io
import json
import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keyhole.link.message import MessageError
from keyhole.link.snapshot_fetcher import SnapshotFetcher

LISTS = b"compiled lists"
SHA = hashlib.sha256(LISTS).hexdigest()
SNAPSHOT = json.dumps({"number": 4, "list_file": {"path": "/elsewhere", "sha256": SHA}}).encode()
MARK = hashlib.sha256(SNAPSHOT).hexdigest()


class FakeEngine:
    """Accepts every snapshot, except those that it should refuse."""

    def __init__(self) -> None:
        self.refuses = False
        self.committed: list[dict[str, Any]] = []

    def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            return {"refused": {"path": "policies[0]", "why": "no such list"}}
        self.committed.append(json.loads(Path(command["commit"]).read_text()))
        return {"committed": 4}


class FakeControl:
    """Returns correct or wrong octets."""

    identity = Path("unused")

    def __init__(self) -> None:
        self.snapshot, self.lists = SNAPSHOT, LISTS
        self.asked: list[str] = []

    @contextmanager
    def get(self, path: str) -> Any:
        self.asked.append(path.rsplit("/", 1)[1])
        if path.endswith("nowhere/snapshot"):
            raise MessageError("control answered 403: this offer is no longer current")
        yield io.BytesIO(self.snapshot if path.endswith("snapshot") else self.lists)


Make = Callable[[], tuple[SnapshotFetcher, FakeEngine, FakeControl]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made() -> tuple[SnapshotFetcher, FakeEngine, FakeControl]:
        engine, control = FakeEngine(), FakeControl()
        fetcher = SnapshotFetcher(engine, control, tmp_path / "snapshot.json")  # type: ignore[arg-type]
        return fetcher, engine, control

    return made


def _take(fetcher: SnapshotFetcher, mark: str = MARK) -> dict[str, Any]:
    lists = {"file": "lists.khl", "sha256": SHA}
    return fetcher.execute({"take": {"mark": mark, "lists": lists, "identities": []}})


def test_snapshot_and_lists_are_put_in_force_and_remembered(make: Make, tmp_path: Path) -> None:
    fetcher, engine, _ = make()
    (tmp_path / "lists-old.khl").touch()
    assert _take(fetcher) == {"committed": 4}
    lists = tmp_path / f"lists-{SHA}.khl"
    assert lists.read_bytes() == LISTS
    assert engine.committed == [{"number": 4, "list_file": {"path": str(lists), "sha256": SHA}}]
    assert json.loads((tmp_path / "snapshot.json").read_text()) == engine.committed[0]
    assert make()[0].mark == fetcher.mark == MARK
    assert {one.name for one in tmp_path.iterdir()} == {lists.name, "snapshot.json", "offer"}


def test_lists_that_are_here_already_are_not_fetched_again(make: Make) -> None:
    fetcher, _, control = make()
    _take(fetcher)
    _take(fetcher)
    assert control.asked == ["snapshot", "lists", "snapshot"]


@pytest.mark.parametrize("put", [os.mkfifo, Path.mkdir, lambda path: path.write_bytes(b"\xff")])
def test_an_engine_starts_and_takes_an_offer_though_its_note_of_the_last_one_is_damaged(
    make: Make, tmp_path: Path, put: Callable[[Path], object]
) -> None:
    """A4, F1: whatever lies in its place."""
    put(tmp_path / "offer")
    fetcher, _, _ = make()
    assert fetcher.mark == ""
    assert "no longer current" in _take(fetcher, "nowhere")["refused"]["why"]


@pytest.mark.parametrize("wrong", ["snapshot", "lists"])
def test_octets_that_are_not_what_was_offered_change_nothing(
    make: Make, tmp_path: Path, wrong: str
) -> None:
    fetcher, engine, control = make()
    setattr(control, wrong, b"{}")
    answer = _take(fetcher)
    assert "not" in answer["refused"]["why"]
    assert (engine.committed, fetcher.mark) == ([], "")
    assert [one.name for one in tmp_path.iterdir()] == []


def test_what_the_core_refuses_leaves_the_one_before_in_place(make: Make, tmp_path: Path) -> None:
    fetcher, engine, _ = make()
    (tmp_path / "snapshot.json").write_text("before")
    engine.refuses = True
    assert _take(fetcher) == {"refused": {"path": "policies[0]", "why": "no such list"}}
    assert (tmp_path / "snapshot.json").read_text() == "before"
    assert fetcher.mark == ""


def test_an_offer_that_is_gone_is_refused_with_the_words_of_control(make: Make) -> None:
    fetcher, _, _ = make()
    assert "no longer current" in _take(fetcher, "nowhere")["refused"]["why"]


def test_an_offer_that_cannot_be_read_is_refused(make: Make) -> None:
    fetcher, _, _ = make()
    assert fetcher.execute({"take": {"mark": MARK}})["refused"]["why"]
