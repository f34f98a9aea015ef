"""No look of `keyhole doctor` takes the others with it, or keeps them waiting."""

import threading
from collections.abc import Iterator
from pathlib import Path

from keyhole.control.doctor import Case, Finding, Sign, examine, is_wrong
from keyhole.control.doctor.finding import note, works
from keyhole.errors import KeyholeError
from tests.world.doctor import case_of


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


def test_only_what_is_wrong_is_wrong() -> None:
    signs = [Sign.WORKS, Sign.NOTE, Sign.WARNING, Sign.UNKNOWN]
    assert not is_wrong([("x", [Finding("a", one, "") for one in signs])])
    assert is_wrong([("x", []), ("y", [Finding("a", Sign.WRONG, "")])])
