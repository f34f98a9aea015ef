"""Threads of their own for reading documents and what people upload, with a deadline.

A file on a system that hangs, or one that takes long to read, must not take the event loop, the
threads of the API, nor the lock behind which changes wait. Each pool has one piece of work run at a
time.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from keyhole.control.error import ControlError
from keyhole.control.parts import STUCK_SECONDS

SECONDS = 100.0
"""Less than the time that the API waits, so that its caller gets the reason."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


READING = "reading the documents and their files"
_HINT = (
    "is a file of them on a network or device that hangs? what is in force stays, and revocations "
    "act"
)


class StuckError(ControlError):
    """A piece of work does not end."""


class DocumentPool:
    """Runs one piece of work at a time in a thread."""

    def __init__(self, seconds: float = SECONDS, *, what: str = READING, hint: str = _HINT) -> None:
        """``what`` is the work, and ``hint`` what may be wrong and what goes on, for `stuck`."""
        self._seconds = seconds
        self._what = what
        self._hint = hint
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="documents")
        self._running: Future[object] | None = None
        self.since = 0.0
        """When the last piece of work began, in seconds of Unix time."""
        self._begun = 0.0
        self._is_abandoned = False

    @property
    def stuck(self) -> str | None:
        """What does not end at the moment; none if all does."""
        if self._running is None or self._running.done():
            return None
        if not self._is_abandoned and time.monotonic() - self._begun < STUCK_SECONDS:
            return None
        since = time.strftime("%H:%M:%S %Z", time.localtime(self.since))
        return f"{self._what} has not ended since {since}; {self._hint}"

    @property
    def abandoned(self) -> str | None:
        """As `stuck`, but only of work that nobody waits for any more: to compile may take long."""
        return self.stuck if self._is_abandoned else None

    def check(self) -> None:
        """For the work itself: raises `StuckError` once nobody waits for it any more."""
        if self._is_abandoned:
            raise StuckError("it took too long and was given up")

    async def run(
        self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """The result of the work; raises `StuckError` if it does not end in time, or if earlier
        work has not ended yet."""
        if self._is_abandoned and (why := self.stuck) is not None:
            raise StuckError(why)
        self.since, self._begun, self._is_abandoned = time.time(), time.monotonic(), False
        running = self._threads.submit(work, *args, **kwargs)
        self._running = running  # type: ignore[assignment]  # read only
        try:
            # Shielded: a thread cannot be ended, and its end says that it is not stuck any more.
            waiting = asyncio.shield(asyncio.wrap_future(running))
            async with asyncio.timeout(self._seconds):
                return await waiting
        except TimeoutError:
            if running.done():
                raise  # the work itself timed out
            self._is_abandoned = True
            raise StuckError(self.stuck or "it took too long") from None
