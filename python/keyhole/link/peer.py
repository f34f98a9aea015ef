"""One engine as control sees it: what it says of itself, and commands to it in order."""

import asyncio
import itertools
import time
from typing import Any

from keyhole.errors import KeyholeError
from keyhole.link.message import HOLD_SECONDS, SILENCE_SECONDS, About, Command, Poll

READY_SECONDS = 20.0
"""How long a command waits for an engine that is not there at the moment."""
ANSWER_SECONDS = 30.0


class DisconnectedError(KeyholeError):
    """The engine ended before it answered, or is not there."""


class NoAnswerError(KeyholeError):
    """The engine is there and does not answer."""


class Peer:
    """An engine that polls. All methods belong to one event loop."""

    def __init__(self) -> None:
        self.about: About | None = None
        self.heard = 0.0
        """When it polled last, by the monotonic clock."""
        self._present = asyncio.Event()
        self._work = asyncio.Event()
        self._ids = itertools.count(1)
        self._queue: list[Command] = []
        self._handed: list[Command] = []
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    @property
    def is_present(self) -> bool:
        """Whether it polls, or obeys between two polls."""
        return self._present.is_set() and time.monotonic() - self.heard < SILENCE_SECONDS

    async def wait_until_present(self, seconds: float = READY_SECONDS) -> About:
        """What it says of itself; raises `DisconnectedError` where it does not come in time."""
        try:
            await asyncio.wait_for(self._present.wait(), seconds)
        except TimeoutError:
            raise DisconnectedError("the engine does not run") from None
        assert self.about is not None
        return self.about

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Has it obey; gives its answer.

        Raises `DisconnectedError` where it is not there or dies meanwhile, and `NoAnswerError`.
        """
        await self.wait_until_present()
        number = next(self._ids)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._queue.append({"id": number, **command})
        self._work.set()
        try:
            return await asyncio.wait_for(future, ANSWER_SECONDS)
        except TimeoutError:
            raise NoAnswerError(f"the engine did not answer for {ANSWER_SECONDS:g} s") from None
        finally:
            self._waiting.pop(number, None)

    def take(self, poll: Poll) -> None:
        """Takes what it says."""
        if self.about is not None and poll.about.instance != self.about.instance:
            self.lose()
        self.about = poll.about
        self.heard = time.monotonic()
        for result in poll.results:
            future = self._waiting.get(result["id"])
            if future is not None and not future.done():
                future.set_result(result)
        # What it was handed and says nothing about never reached it: it polls when it has obeyed.
        said = {result["id"] for result in poll.results}
        lost = [one for one in self._handed if one["id"] not in said]
        self._queue = [one for one in [*lost, *self._queue] if self._is_wanted(one)]
        self._handed = []
        if self._queue:
            self._work.set()
        self._present.set()

    async def commands(self) -> list[Command]:
        """What it is to do next; waits for it, but not longer than a poll is held."""
        try:
            await asyncio.wait_for(self._work.wait(), HOLD_SECONDS)
        except TimeoutError:
            return []
        self._work.clear()
        self._handed, self._queue = self._queue, []
        return self._handed

    def lose(self) -> None:
        """It is gone: whoever waits for an answer hears so."""
        self._present.clear()
        self._queue, self._handed = [], []
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(DisconnectedError("the engine ended before it answered"))

    def _is_wanted(self, command: Command) -> bool:
        future = self._waiting.get(command["id"])
        return future is not None and not future.done()
