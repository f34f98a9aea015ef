"""Looks at everything, all at the same time, and never waits for what does not come back."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from keyhole.control.doctor.case import Case, unexpected
from keyhole.control.doctor.certificates import look_at_certificates
from keyhole.control.doctor.clock import look_at_clock
from keyhole.control.doctor.database import look_at_database
from keyhole.control.doctor.documents import look_at_documents
from keyhole.control.doctor.finding import Finding, Sign, cannot_read, unknown, wrong
from keyhole.control.doctor.folder import look_at_folder
from keyhole.control.doctor.limits import look_at_limits
from keyhole.control.doctor.listeners import look_at_listeners
from keyhole.control.doctor.lists import look_at_lists
from keyhole.control.doctor.resolver import look_at_resolver
from keyhole.control.doctor.start import look_at_start
from keyhole.control.doctor.upstreams import look_at_upstreams
from keyhole.control.doctor.versions import look_at_versions
from keyhole.errors import KeyholeError

SECONDS = 20.0
"""How long all looks together may take: longer than an upstream is waited for."""

Look = Callable[[Case], Iterable[Finding]]

LOOKS: Sequence[tuple[str, Look]] = (
    ("Keyhole", look_at_start),
    ("versions", look_at_versions),
    ("listeners", look_at_listeners),
    ("names on this machine", look_at_resolver),
    ("certificates", look_at_certificates),
    ("clock", look_at_clock),
    ("upstreams", look_at_upstreams),
    ("documents", look_at_documents),
    ("lists", look_at_lists),
    ("data folder", look_at_folder),
    ("data folder", look_at_database),
    ("limits", look_at_limits),
)
"""The heading and the look, in the order of the report. Two with one heading stand together."""


@dataclass
class _Work:
    """One look: what it has found so far, and whether it has ended."""

    heading: str
    look: Look
    found: list[Finding] = field(default_factory=list)
    has_ended: bool = False

    def run(self, case: Case) -> None:
        try:
            for finding in self.look(case):
                self.found.append(finding)
        except OSError as error:
            self.found.append(cannot_read(self.heading, error))
        except KeyholeError as error:
            self.found.append(wrong(self.heading, str(error)))
        except Exception as error:  # noqa: BLE001  (one look must not take the others with it)
            self.found.append(unexpected(case, self.heading, error))
        self.has_ended = True


def examine(
    case: Case, looks: Sequence[tuple[str, Look]] = LOOKS, seconds: float = SECONDS
) -> list[tuple[str, list[Finding]]]:
    """The findings below their headings. A look that has not ended after ``seconds``, such as one
    at a file on a network that hangs, is given up, and the report says so."""
    works = [_Work(heading, look) for heading, look in looks]
    # Threads of their own that nobody joins: one that hangs must not keep the process.
    threads = [threading.Thread(target=one.run, args=(case,), daemon=True) for one in works]
    for thread in threads:
        thread.start()
    last = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, last - time.monotonic()))
    report: dict[str, list[Finding]] = {}
    for one in works:
        found = report.setdefault(one.heading, [])
        # A copy: one that is given up may go on.
        found += list(one.found)
        if not one.has_ended:
            why = f"it did not end within {seconds:g} s; does a file lie on a network that hangs?"
            found.append(unknown(one.heading, why))
    return list(report.items())


def is_wrong(report: Iterable[tuple[str, list[Finding]]]) -> bool:
    """Whether anything in a report is wrong."""
    return any(one.sign is Sign.WRONG for _, found in report for one in found)
