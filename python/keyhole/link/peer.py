"""Control's view of one engine: its state, and a queue of commands."""

import asyncio
import itertools
import time
from typing import Any

from keyhole.errors import KeyholeError
from keyhole.link.message import HOLD_SECONDS, SILENCE_SECONDS, About, Command, Poll

READY_SECONDS = 20.0
"""How long a command waits for a disconnected engine."""
ANSWER_SECONDS = 30.0


class DisconnectedError(KeyholeError):
    """The engine is not connected, or ended before it answered."""


class NoAnswerError(KeyholeError):
    """The engine is connected but does not answer."""


class Peer:
    """A polling engine. Call all methods on the same event loop."""

    def __init__(self) -> None:
        self.about: About | None = None
        self.last_poll = 0.0
        """When it polled last (monotonic clock)."""
        self._present = asyncio.Event()
        self._work = asyncio.Event()
        self._ids = itertools.count(1)
        self._queue: list[Command] = []
        self._delivered: list[Command] = []
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    @property
    def is_present(self) -> bool:
        """Whether it is connected: polling, or executing commands between two polls."""
        return self._present.is_set() and time.monotonic() - self.last_poll < SILENCE_SECONDS

    async def wait_until_present(self, seconds: float = READY_SECONDS) -> About:
        """Its state; raises `DisconnectedError` if it does not connect in time."""
        try:
            await asyncio.wait_for(self._present.wait(), seconds)
        except TimeoutError:
            raise DisconnectedError("the engine does not run") from None
        assert self.about is not None
        return self.about

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Sends a command and returns the answer.

        Raises `DisconnectedError` if the engine is not connected or ends, and `NoAnswerError`.
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

    def receive(self, poll: Poll) -> None:
        """Processes a poll."""
        if self.about is not None and poll.about.instance != self.about.instance:
            self.disconnect()
        self.about = poll.about
        self.last_poll = time.monotonic()
        for result in poll.results:
            future = self._waiting.get(result["id"])
            if future is not None and not future.done():
                future.set_result(result)
        # A command without a result was not received; queue it again.
        answered = {result["id"] for result in poll.results}
        lost = [one for one in self._delivered if one["id"] not in answered]
        self._queue = [one for one in [*lost, *self._queue] if self._is_wanted(one)]
        self._delivered = []
        if self._queue:
            self._work.set()
        self._present.set()

    async def commands(self) -> list[Command]:
        """The next commands; waits for them at most ``HOLD_SECONDS``."""
        try:
            await asyncio.wait_for(self._work.wait(), HOLD_SECONDS)
        except TimeoutError:
            return []
        self._work.clear()
        self._delivered, self._queue = self._queue, []
        return self._delivered

    def disconnect(self) -> None:
        """Marks the engine as disconnected; pending commands fail."""
        self._present.clear()
        self._queue, self._delivered = [], []
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(DisconnectedError("the engine ended before it answered"))

    def _is_wanted(self, command: Command) -> bool:
        future = self._waiting.get(command["id"])
        return future is not None and not future.done()
