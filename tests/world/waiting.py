"""Waiting for a condition, with a limit."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

# Long enough for a machine of two cores on which other tests build programs. A condition that stays
# false fails the test with a message.
PATIENCE = 120.0
ANSWER_SECONDS = 30.0
"""How long a client waits for one answer."""
_PAUSE = 0.02
witnesses: list[Callable[[], str]] = []
"""What each of these has seen is told in the failure: whoever watches adds itself, and leaves."""


def until(look: Callable[[], Seen | None], wanted: str, patience: float = PATIENCE) -> Seen:
    """The first result of ``look`` that is true; after ``patience`` seconds it fails, and the
    message says what was wanted."""
    end = time.monotonic() + patience
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            told = "".join(f"\n{_told(tell)}" for tell in witnesses)
            raise AssertionError(f"waited {patience:.0f} s in vain until {wanted}{told}")
        time.sleep(_PAUSE)


def _told(witness: Callable[[], str]) -> str:
    """What it has seen; where it fails, why: that must not stand in place of what was wanted."""
    try:
        return witness()
    except Exception as error:  # noqa: BLE001  (whatever a test adds)
        return f"a witness failed: {error!r}"
