"""Threads of their own for reading and compiling documents, with a deadline.

A file on a system that hangs must not take the threads of the API, nor the lock behind which
changes wait. Only one piece of work runs at a time, because it writes into the state folder.
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


class StuckError(ControlError):
    """Reading or compiling documents does not end."""


class DocumentPool:
    """Runs one piece of work at a time in a thread."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="documents")
        self._running: Future[object] | None = None
        self.since = 0.0
        """When the last piece of work began, in seconds of Unix time."""
        self._begun = 0.0
        self._is_abandoned = False

    @property
    def stuck(self) -> str | None:
        """Why documents are not read at the moment; none if they are."""
        if self._running is None or self._running.done():
            return None
        if not self._is_abandoned and time.monotonic() - self._begun < STUCK_SECONDS:
            return None
        since = time.strftime("%H:%M:%S", time.localtime(self.since))
        return (
            f"reading the documents and their files has not ended since {since}; is a file of them "
            "on a network or device that hangs? what is in force stays, and revocations act"
        )

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
            return await asyncio.wait_for(waiting, self._seconds)
        except TimeoutError:
            if running.done():
                raise  # the work itself timed out
            self._is_abandoned = True
            raise StuckError(self.stuck or "it took too long") from None
