"""Notices for the person at the terminal while Keyhole runs."""

import enum
from collections.abc import Callable
from dataclasses import dataclass


class Severity(enum.Enum):
    """How serious a notice is."""

    SUCCESS = "success"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Notice:
    """One sentence, and lines with details: each problem with its place, or what to try."""

    severity: Severity
    text: str
    details: tuple[str, ...] = ()


Notify = Callable[[Notice], None]
"""Receives notices; called on the event loop, so it must not block."""


def report_to(notify: Notify) -> Callable[[str, tuple[str, ...]], None]:
    """Makes errors of a sentence and details out of what is reported."""
    return lambda text, details: notify(Notice(Severity.ERROR, text, details))
