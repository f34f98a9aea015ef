"""No look of `keyhole doctor` takes the others with it, or keeps them waiting."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from keyhole.control.doctor import Case, Finding, Sign, examine, is_wrong
from keyhole.control.doctor import case as module
from keyhole.control.doctor.case import ReadDocuments
from keyhole.control.doctor.finding import note, works
from keyhole.errors import KeyholeError
from tests.world.doctor import FakeRunning, case_of


def _good(case: Case) -> Iterator[Finding]:
    yield works("this", "fine")


def test_a_look_that_fails_is_a_line_of_the_report(tmp_path: Path) -> None:
    def raising(error: Exception) -> object:
        def look(case: Case) -> Iterator[Finding]:
            yield note("begun", "seen before")
            raise error

        return look

    looks = [
        ("denied", raising(PermissionError(13, "Permission denied", "/secret"))),
        ("gone", raising(FileNotFoundError(2, "No such file", "/gone"))),
        ("refused", raising(KeyholeError("the tokens are damaged"))),
        ("bug", raising(ZeroDivisionError("oh"))),
        ("good", _good),
    ]
    with case_of(tmp_path) as case:
        report = dict(examine(case, looks))  # type: ignore[arg-type]
    last = {heading: found[-1] for heading, found in report.items()}
    assert last["denied"].sign is Sign.UNKNOWN
    assert "as root" in last["denied"].do[0]
    assert (last["gone"].sign, last["gone"].do) == (Sign.UNKNOWN, ())
    assert (last["refused"].sign, last["refused"].seen) == (Sign.WRONG, "the tokens are damaged")
    assert "report this" in last["bug"].seen
    assert last["good"].sign is Sign.WORKS
    assert report["bug"][0].about == "begun", "what was found before is kept"


def test_a_look_that_does_not_come_back_is_given_up(tmp_path: Path) -> None:
    never = threading.Event()

    def hang(case: Case) -> Iterator[Finding]:
        never.wait(60)
        yield works("late", "too late")

    with case_of(tmp_path) as case:
        report = dict(examine(case, [("hanging", hang), ("good", _good)], seconds=0.05))
    never.set()
    assert [one.sign for one in report["hanging"]] == [Sign.UNKNOWN]
    assert report["good"] == [works("this", "fine")]


def test_an_answer_of_another_version_is_no_bug_and_its_own_mistake_is(tmp_path: Path) -> None:
    def look(case: Case) -> Iterator[Finding]:
        yield note("parts", str((case.status or {})["parts"]))

    running = FakeRunning()
    del running.status["parts"]
    said = []
    for one in (running, None):
        with case_of(tmp_path, "", one) as case:
            said.append(dict(examine(case, [("look", look)]))["look"][0])
    assert [one.sign for one in said] == [Sign.UNKNOWN] * 2
    assert "another version of Keyhole seems to run: its answer has no 'parts'" in said[0].seen
    assert "start it again" in said[0].do[0]
    assert "bug in Keyhole" in said[1].seen


def test_the_documents_are_read_once_for_all_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings, both = [], threading.Barrier(2)

    def read(case: Case) -> ReadDocuments:
        readings.append(case)
        # Time for the other look to ask as well: without a lock it reads too, and both go on.
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)
        return ReadDocuments(None)

    def look(case: Case) -> Iterator[Finding]:
        yield works("documents", str(case.read.documents))

    monkeypatch.setattr(module, "_read", read)
    with case_of(tmp_path, "") as case:
        examine(case, [("one", look), ("two", look)])
    assert len(readings) == 1


def test_only_what_is_wrong_is_wrong() -> None:
    signs = [Sign.WORKS, Sign.NOTE, Sign.WARNING, Sign.UNKNOWN]
    assert not is_wrong([("x", [Finding("a", one, "") for one in signs])])
    assert is_wrong([("x", []), ("y", [Finding("a", Sign.WRONG, "")])])
