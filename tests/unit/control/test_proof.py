"""Reports of keyhole verify: kept, watched, and never older or stranger than what is there."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from keyhole.control.data_folder import DataFolder
from keyhole.control.error import InvalidError, NotThereError, StaleError, UnwritableError
from keyhole.control.parts import PROOF, Parts
from keyhole.control.proof import KeptReport, ProofReports, ProofRunner, runner
from keyhole.control.proof.reports import MAX_REPORT, MAX_TARGETS
from keyhole.model.proof import ProofReport
from keyhole.store import Actor, Database
from keyhole.store import records as audit_records

ADA = Actor("ada", "socket")


def _line(number: int = 0, verdict: str = "pass", seen: str = "no answer") -> dict[str, Any]:
    return {
        "id": f"check-{number}",
        "title": f"Promise {number}",
        "threat": "surveillance",
        "standards": ["RFC 7858 section 3.1"],
        "tried": "a question",
        "expected": "no answer",
        "seen": seen,
        "verdict": verdict,
        "seconds": 0.1,
    }


def _report(
    *verdicts: str, target: str = "the lab", age: float = 0, every: int | None = None
) -> ProofReport:
    lines = [_line(number, verdict) for number, verdict in enumerate(verdicts or ("pass",))]
    started = datetime.now(UTC) - timedelta(seconds=age)
    return ProofReport.model_validate(
        {"target": target, "started": started, "every": every, "lines": lines}
    )


class House:
    """Where reports are kept."""

    def __init__(self, folder: Path) -> None:
        self.data = DataFolder(folder)
        self.data.make()
        self.database = Database.in_file(self.data.database, may_be_new=True)
        self.start()

    def start(self) -> None:
        """As a process that starts."""
        self.parts = Parts(lambda _: None)
        self.reports = ProofReports(self.data, self.parts)
        self.reports.database = self.database

    def take(self, report: ProofReport) -> None:
        self.reports.take(KeptReport.now(report, "ada"), ADA)

    @property
    def wrong(self) -> str:
        """What needs attention."""
        return "".join(one.why for one in self.parts.states() if one.name == PROOF)

    @property
    def audit(self) -> list[tuple[str, dict[str, Any]]]:
        with self.database.read() as connection:
            return [(one.entry.action, one.entry.detail) for one in audit_records(connection)]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_broken_promise_needs_attention_until_it_holds_again(house: House) -> None:
    house.take(_report("pass", "skip", age=30))
    assert house.wrong == ""
    house.take(_report("fail", "error", age=20))
    house.start()  # and a restart does not hide it
    assert house.wrong.splitlines() == [
        "the lab: the promise check-0 is broken (Promise 0): no answer",
        "the lab: the promise check-1 could not be tried (Promise 1): no answer",
    ]
    house.take(_report("pass", "pass", age=10))
    assert (house.wrong, len(house.reports.known)) == ("", 1)


def test_the_audit_record_has_each_change_of_what_is_broken_and_no_repetition(house: House) -> None:
    for age, verdict in enumerate(("pass", "fail", "fail", "pass")):
        house.take(_report(verdict, age=10 - age))
    house.reports.forget(house.reports.known[0].id, ADA)
    assert list(reversed(house.audit)) == [
        ("proof_changed", {"target": "the lab", "broken": []}),
        ("proof_changed", {"target": "the lab", "broken": ["check-0"]}),
        ("proof_changed", {"target": "the lab", "broken": []}),
        ("proof_forgotten", {"target": "the lab"}),
    ]


def test_a_report_that_does_not_come_needs_attention_and_can_be_forgotten(house: House) -> None:
    late = KeptReport(
        report=_report(every=3_600, age=9_000, target="from outside"),
        by="ada",
        received=datetime.now(UTC) - timedelta(seconds=8_000),
    )
    house.reports.take(late, ADA)
    assert "from outside: no report since" in house.wrong
    with pytest.raises(NotThereError):
        house.reports.forget("0" * 12, ADA)
    house.reports.forget(late.id, ADA)
    assert (house.wrong, house.reports.known) == ("", [])


def test_a_report_that_is_older_or_from_the_future_takes_no_place(house: House) -> None:
    house.take(_report("fail", age=10))
    for age in (20, -1_000):
        with pytest.raises(InvalidError, match="began at"):
            house.take(_report("pass", age=age))
    assert "check-0 is broken" in house.wrong


def test_a_narrower_run_hides_nothing_and_ends_no_watch(house: House) -> None:
    house.take(_report("pass", "fail", "error", age=30, every=3_600))
    house.take(_report("fail", age=20))
    kept = house.reports.known[0].report
    assert [(line.id, line.verdict) for line in kept.lines] == [
        ("check-1", "fail"),
        ("check-2", "error"),
        ("check-0", "fail"),
    ]
    first = kept.lines[0].earlier
    assert first is not None
    assert kept.started - first > timedelta(seconds=5)
    assert kept.lines[2].earlier is None
    assert f"tried {first.isoformat(timespec='minutes')}" in house.wrong
    assert (kept.every, house.reports.known[0].broken) == (3_600, ["check-0", "check-1", "check-2"])
    house.take(_report("pass", "pass", "skip", age=10))
    assert house.reports.known[0].broken == ["check-2"], "what is left out was not tried"
    assert house.reports.known[0].report.lines[0].earlier == first, "the run that tried it last"
    house.take(_report("pass", "pass", "pass"))
    assert house.wrong == ""


def test_a_report_in_which_nothing_was_tried_needs_attention(house: House) -> None:
    house.take(_report("skip", "skip"))
    assert house.wrong == "the lab: nothing was tried, each line was left out"


def test_there_is_an_end_to_what_is_kept_and_shown(house: House) -> None:
    for number in range(MAX_TARGETS + 3):
        house.take(_report(*["fail"] * 3, target=f"target {number}"))
    assert len(house.reports.known) == MAX_TARGETS
    assert house.wrong.endswith("and 55 more; keyhole proof shows all")


def test_what_is_kept_can_be_read_again_whatever_was_merged(house: House) -> None:
    """Each text as long as it may be, in letters of four octets: six reports would be too much."""
    long = "\U00012000" * 500
    texts = dict.fromkeys(("title", "threat", "tried", "expected", "seen"), long)
    fixed = {"standards": [f"{number}{long}"[:500] for number in range(8)], **texts}

    def large(begin: int, count: int) -> ProofReport:
        lines = [{**_line(number, "fail"), **fixed} for number in range(begin, begin + count)]
        known = {"target": "the lab", "started": datetime.now(UTC), "lines": lines}
        return ProofReport.model_validate(known)

    house.take(large(0, 50))
    with pytest.raises(InvalidError, match="larger than"):
        house.take(large(50, 50))
    assert len(house.reports.known[0].report.lines) == 50, "nothing changed"
    assert 50 * 26_000 < house.reports._file.stat().st_size < MAX_REPORT * 10 // 9


def test_a_file_that_is_gone_is_said_and_made_whole_by_the_next_report(house: House) -> None:
    (house.data.state / "proof.json").unlink(missing_ok=True)
    house.start()
    assert house.wrong == "", "nobody has told anything yet"
    house.take(_report("pass", age=10))
    (house.data.state / "proof.json").unlink()
    house.start()
    assert "proof.json is gone" in house.wrong
    house.take(_report("pass"))
    assert house.wrong == ""


@pytest.mark.parametrize("content", [b"{", b'{"reports": [{}]}', b"\xff\x00", b"[]"])
def test_a_damaged_file_is_said_and_made_whole_by_the_next_report(
    house: House, content: bytes
) -> None:
    file = house.data.state / "proof.json"
    file.write_bytes(content)
    house.start()
    assert "earlier reports are gone" in house.wrong
    house.take(_report())
    house.start()
    assert (house.wrong, len(house.reports.known)) == ("", 1)


def test_a_report_that_cannot_be_written_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.take(_report("fail", age=10))

    def full(*_: object) -> None:
        raise UnwritableError("no space left")

    monkeypatch.setattr("keyhole.control.proof.reports.write_durably", full)
    with pytest.raises(UnwritableError):
        house.take(_report("pass"))
    assert "check-0 is broken" in house.wrong
    assert len(house.audit) == 1, "an entry would tell of a change that did not happen"


@pytest.mark.parametrize(
    "change",
    [
        {"target": "a\x1b[2J"},
        {"target": ""},
        {"started": "2026-12-01T00:00:00"},
        {"lines": []},
        {"lines": [_line(verdict="fine")]},
        {"lines": [_line(seen="\u202egpj.exe")]},
        {"lines": [_line(seen="x" * 501)]},
        {"lines": [_line(number) for number in range(201)]},
        {"lines": [_line(), _line(verdict="fail")]},
        {"lines": [{**_line(), "standards": ["RFC 8996", "RFC 8996"]}]},
        {"every": 0},
        {"more": 1},
    ],
)
def test_what_is_no_report_is_refused(change: dict[str, Any]) -> None:
    good = {"target": "the lab", "started": "2026-12-01T00:00:00Z", "lines": [_line()]}
    ProofReport.model_validate(good)
    with pytest.raises(ValidationError):
        ProofReport.model_validate({**good, **change})


class Verify:
    """A program in place of keyhole verify, which writes the file that it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "verify"
        monkeypatch.setattr(sys, "executable", str(self.file))

    def does(self, script: str) -> None:
        self.file.write_text(f"#!/bin/sh\n{script}\n")
        self.file.chmod(0o700)


async def _run(house: House, during: Callable[[ProofRunner], None]) -> ProofRunner:
    made = ProofRunner(house.data, house.reports)
    made.start(ADA)
    during(made)
    assert made._task is not None
    await made._task
    return made


def _nothing(_: ProofRunner) -> None:
    pass


def test_a_run_gives_a_report_and_there_is_one_at_a_time(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = _report("fail").model_dump(mode="json", exclude={"every"})
    document = tmp_path / "document.json"
    document.write_text(json.dumps({**report, "exit_code": 1, "counts": {}}))
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    Verify(tmp_path, monkeypatch).does(
        f'[ -z "$NOTIFY_SOCKET" ] || exit 3; eval "file=\\${{$#}}"; cp {document} "$file"; exit 1'
    )

    def second(made: ProofRunner) -> None:
        with pytest.raises(StaleError, match="ada began goes on"):
            made.start(ADA)

    made = asyncio.run(_run(house, second))
    assert made.last is not None
    assert (made.last.is_running, made.last.why) == (False, None)
    assert "check-0 is broken" in house.wrong
    assert list(house.data.state.glob("import-*")) == []


def test_a_run_without_a_report_says_why_and_leaves_the_last_one(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.take(_report("fail"))
    verify = Verify(tmp_path, monkeypatch)
    verify.does("echo 'error: the lab did not start' >&2; exit 2")
    made = asyncio.run(_run(house, _nothing))
    assert made.last is not None
    assert made.last.why == (
        "keyhole verify ended with code 2 and gave no report: error: the lab did not start; "
        "try it by hand: keyhole verify"
    )
    assert "check-0 is broken" in house.wrong


def test_a_run_that_does_not_end_is_ended(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MAX_SECONDS", 0.1)
    Verify(tmp_path, monkeypatch).does("exec tail -f /dev/null")
    made = asyncio.run(_run(house, _nothing))
    assert made.last is not None
    assert made.last.why is not None
    assert "did not end within" in made.last.why
