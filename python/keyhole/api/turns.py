"""Work that a few callers may do at a time; others wait for their turn, but not for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from keyhole.api.problem import ApiProblem

MAX_WAITING = 8
WAIT_SECONDS = 20.0


class Turns:
    """The turns of one kind of work."""

    def __init__(self, busy: str, *, at_once: int = 1) -> None:
        """``busy`` says what is being done, for those whose turn does not come."""
        self._busy = busy
        self._places = asyncio.Semaphore(at_once)
        self._waiting = 0

    @asynccontextmanager
    async def take(self, request: Request | None = None) -> AsyncIterator[None]:
        """Waits for a turn, at most `WAIT_SECONDS`, and has it. Raises ``ApiProblem`` if there are
        too many before, or if the client of a ``request``, whose body was read, is gone: a page
        asks anew with each choice of a person, and wants the last answer alone."""
        await self._wait()
        try:
            if request is not None and await request.is_disconnected():
                raise ApiProblem(503, "not_possible_now", "the client is gone")
            yield
        finally:
            self._places.release()

    async def _wait(self) -> None:
        if self._waiting >= MAX_WAITING:
            raise self._problem()
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise self._problem() from None
        finally:
            self._waiting -= 1

    def _problem(self) -> ApiProblem:
        return ApiProblem(503, "not_possible_now", f"{self._busy}; try again in a moment")
