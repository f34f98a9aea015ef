"""What the person at the terminal is told while Keyhole runs."""

import enum
from collections.abc import Callable
from dataclasses import dataclass


class Severity(enum.Enum):
    """How a notice is to be read."""

    SUCCESS = "success"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Notice:
    """One sentence, and lines that say more: each problem with its place, or what to try."""

    severity: Severity
    text: str
    details: tuple[str, ...] = ()


Notify = Callable[[Notice], None]
"""Who wants to hear notices; called on the event loop, must not wait."""
