"""Waiting for a state of the world, with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

# Long enough for a loaded machine; a state that never comes fails the test with its own message.
PATIENCE = 30.0
_PAUSE = 0.02


def until(look: Callable[[], Seen | None], wanted: str, patience: float = PATIENCE) -> Seen:
    """The first result of ``look`` that is true; fails, saying what was wanted, after ``patience``
    seconds."""
    end = time.monotonic() + patience
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience:.0f} s in vain until {wanted}")
        time.sleep(_PAUSE)
