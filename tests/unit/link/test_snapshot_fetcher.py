"""What is offered becomes the last good snapshot only when every octet of it is right."""

import hashlib
import io
import json
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
    """Takes every snapshot but those it is told to refuse."""

    def __init__(self) -> None:
        self.refuses = False
        self.committed: list[dict[str, Any]] = []

    def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            return {"refused": {"path": "policies[0]", "why": "no such list"}}
        self.committed.append(json.loads(Path(command["commit"]).read_text()))
        return {"committed": 4}


class FakeLeader:
    """Gives octets, right or wrong."""

    identity = Path("unused")

    def __init__(self) -> None:
        self.snapshot, self.lists = SNAPSHOT, LISTS
        self.asked: list[str] = []

    @contextmanager
    def get(self, path: str) -> Any:
        self.asked.append(path.rsplit("/", 1)[1])
        if path.endswith("nowhere/snapshot"):
            raise MessageError("control answered 403: this is not offered any more")
        yield io.BytesIO(self.snapshot if path.endswith("snapshot") else self.lists)


Make = Callable[[], tuple[SnapshotFetcher, FakeEngine, FakeLeader]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made() -> tuple[SnapshotFetcher, FakeEngine, FakeLeader]:
        engine, leader = FakeEngine(), FakeLeader()
        taking = SnapshotFetcher(engine, leader, tmp_path / "snapshot.json")  # type: ignore[arg-type]
        return taking, engine, leader

    return made


def _take(taking: SnapshotFetcher, mark: str = MARK) -> dict[str, Any]:
    lists = {"file": "lists.khl", "sha256": SHA}
    return taking.execute({"take": {"mark": mark, "lists": lists, "identities": []}})


def test_snapshot_and_lists_are_put_in_force_and_remembered(make: Make, tmp_path: Path) -> None:
    taking, engine, _ = make()
    (tmp_path / "lists-old.khl").touch()
    assert _take(taking) == {"committed": 4}
    lists = tmp_path / f"lists-{SHA}.khl"
    assert lists.read_bytes() == LISTS
    assert engine.committed == [{"number": 4, "list_file": {"path": str(lists), "sha256": SHA}}]
    assert json.loads((tmp_path / "snapshot.json").read_text()) == engine.committed[0]
    assert make()[0].mark == taking.mark == MARK
    assert {one.name for one in tmp_path.iterdir()} == {lists.name, "snapshot.json", "offer"}


def test_lists_that_are_here_already_are_not_fetched_again(make: Make) -> None:
    taking, _, leader = make()
    _take(taking)
    _take(taking)
    assert leader.asked == ["snapshot", "lists", "snapshot"]


@pytest.mark.parametrize("wrong", ["snapshot", "lists"])
def test_octets_that_are_not_what_was_offered_change_nothing(
    make: Make, tmp_path: Path, wrong: str
) -> None:
    taking, engine, leader = make()
    setattr(leader, wrong, b"{}")
    answer = _take(taking)
    assert "not" in answer["refused"]["why"]
    assert (engine.committed, taking.mark) == ([], "")
    assert [one.name for one in tmp_path.iterdir()] == []


def test_what_the_core_refuses_leaves_the_one_before_in_place(make: Make, tmp_path: Path) -> None:
    taking, engine, _ = make()
    (tmp_path / "snapshot.json").write_text("before")
    engine.refuses = True
    assert _take(taking) == {"refused": {"path": "policies[0]", "why": "no such list"}}
    assert (tmp_path / "snapshot.json").read_text() == "before"
    assert taking.mark == ""


def test_an_offer_that_is_gone_is_refused_with_the_words_of_control(make: Make) -> None:
    taking, _, _ = make()
    assert "not offered any more" in _take(taking, "nowhere")["refused"]["why"]


def test_an_offer_that_cannot_be_read_is_refused(make: Make) -> None:
    taking, _, _ = make()
    assert taking.execute({"take": {"mark": MARK}})["refused"]["why"]
