"""One run of all checks against one target."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keyhole.verify.capture import Capture
from keyhole.verify.check import Check, Line, Verdict, run_check
from keyhole.verify.checks import ALL
from keyhole.verify.error import VerifyError
from keyhole.verify.lab import Changed, Lab
from keyhole.verify.target import Target

Progress = Callable[[Check, int, int], None]


@dataclass(frozen=True)
class Report:
    """What one run found. ``started`` is in UTC."""

    target: str
    started: datetime
    lines: tuple[Line, ...]

    def count(self, verdict: Verdict) -> int:
        """How many lines ended so."""
        return sum(line.verdict is verdict for line in self.lines)

    @property
    def exit_code(self) -> int:
        """0: nothing is wrong. 1: a promise is broken, or a check could not be done. 2: nothing was
        tried, since each line was skipped."""
        if self.count(Verdict.FAIL) + self.count(Verdict.ERROR):
            return 1
        return 0 if self.count(Verdict.PASS) else 2

    def in_order_of_interest(self) -> list[Line]:
        """What is wrong first."""
        order = [Verdict.FAIL, Verdict.ERROR, Verdict.SKIP, Verdict.PASS]
        return sorted(self.lines, key=lambda line: order.index(line.verdict))


def chosen(ids: Iterable[str]) -> tuple[Check, ...]:
    """The checks with these ids, or all without any. Raises `VerifyError` for an unknown one."""
    wanted = set(ids)
    if unknown := sorted(wanted - {one.id for one in ALL}):
        raise VerifyError(
            f"there is no check {', '.join(unknown)}; keyhole verify --list shows them all"
        )
    return tuple(one for one in ALL if not wanted or one.id in wanted)


def run_checks(checks: Iterable[Check], target: Target, progress: Progress | None = None) -> Report:
    """Runs the checks, one after the other."""
    started, checks = datetime.now(UTC), tuple(checks)
    lines = []
    with suppress(VerifyError):
        # The lines that need an answer say so; what a check does to it comes after.
        target.must_answer()
    for number, one in enumerate(checks):
        if progress is not None:
            progress(one, number, len(checks))
        lines.append(run_check(one, target))
    return Report(target.title, started, tuple(lines))


@contextmanager
def lab_target(ready: dict[str, Any], change: Changed = list) -> Iterator[Target]:
    """A lab as the target, with the documents of the checks in force and a capture running."""
    with tempfile.TemporaryDirectory(prefix="keyhole-verify-") as folder:
        lab = Lab(ready, Path(folder))
        with lab.prepared(change):
            target = lab.target()
            with Capture(target.marker, lab.ports()) as capture:
                target.capture = capture
                yield target
