"""Ends a command by SIGTERM or SIGHUP so that it cleans up behind itself first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_exception() -> Iterator[None]:
    """Has both raise ``SystemExit`` in the block, with the exit code that a shell gives. One that
    is ignored, as by nohup, stays ignored. For the main thread only."""
    before = {one: signal.getsignal(one) for one in _ENDING}
    changed = {one: old for one, old in before.items() if old == signal.SIG_DFL}

    def end(number: int, frame: FrameType | None) -> None:
        for one in changed:  # a second one would end the cleaning up
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for one in changed:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one, old in changed.items():
            signal.signal(one, old)
