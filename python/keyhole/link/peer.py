"""Control's view of one engine: its state, and a queue of commands."""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

from keyhole.engine.withdrawal import Withdrawal
from keyhole.errors import KeyholeError
from keyhole.link.message import HOLD_SECONDS, SILENCE_SECONDS, About, Command, Poll

WITHDRAWAL_RETRY_SECONDS = 5.0
"""A refused withdrawal is sent again after this time."""
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
        self.withdrawal_refusal = ""
        """Why it did not take the last withdrawal; empty if it did, or was not asked."""
        self._withdrawal: Withdrawal | None = None
        self._sent_withdrawal: tuple[int, str] | None = None
        self._refused_withdrawal: tuple[str, float] = ("", 0.0)
        self._heard = asyncio.Event()
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

    @property
    def has_withdrawal(self) -> bool:
        """Whether it has said that it decides by the last withdrawal."""
        taken = self.about.withdrawn if self.about else ""
        return self._withdrawal is None or taken == self._withdrawal.mark

    def set_withdrawal(self, withdrawal: Withdrawal) -> None:
        """Has it sent, again and again until the engine has it."""
        self._withdrawal = withdrawal
        self.withdrawal_refusal = ""
        self._refused_withdrawal = ("", 0.0)
        self._work.set()

    async def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether the condition holds in time; looked at again after each poll."""
        last = time.monotonic() + seconds
        while not condition():
            self._heard.clear()
            try:
                async with asyncio.timeout(max(last - time.monotonic(), 0)):
                    await self._heard.wait()
            except TimeoutError:
                return condition()
        return True

    async def wait_until_present(self, seconds: float = READY_SECONDS) -> About:
        """Its state; raises `DisconnectedError` if it does not connect in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._present.wait()
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
            async with asyncio.timeout(ANSWER_SECONDS):
                return await future
        except TimeoutError:
            raise NoAnswerError(f"the engine did not answer for {ANSWER_SECONDS:g} s") from None
        finally:
            self._waiting.pop(number, None)

    def receive(self, poll: Poll) -> None:
        """Processes a poll."""
        if self.about is not None and poll.about.instance != self.about.instance:
            self.disconnect()
        self._settle_withdrawal(poll)
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
        self._heard.set()

    async def commands(self) -> list[Command]:
        """The next commands; waits for them at most ``HOLD_SECONDS``.

        What was taken away goes first, and alone: it must not wait for anything else.
        """
        if first := self._due_withdrawal():
            return first
        try:
            async with asyncio.timeout(HOLD_SECONDS):
                await self._work.wait()
        except TimeoutError:
            return self._due_withdrawal()
        if first := self._due_withdrawal():
            return first
        self._work.clear()
        self._delivered, self._queue = self._queue, []
        return self._delivered

    def _due_withdrawal(self) -> list[Command]:
        withdrawal = self._withdrawal
        if withdrawal is None or self.has_withdrawal:
            return []
        mark, since = self._refused_withdrawal
        if mark == withdrawal.mark and time.monotonic() - since < WITHDRAWAL_RETRY_SECONDS:
            return []
        number = next(self._ids)
        self._sent_withdrawal = (number, withdrawal.mark)
        return [{"id": number, "withdraw": withdrawal.content}]

    def _settle_withdrawal(self, poll: Poll) -> None:
        if self._sent_withdrawal is None:
            return
        number, mark = self._sent_withdrawal
        for result in poll.results:
            if result["id"] == number and poll.about.withdrawn != mark:
                refused = result.get("refused") or {"why": "it did not say that it has it"}
                self.withdrawal_refusal = refusal_text(refused)
                self._refused_withdrawal = (mark, time.monotonic())

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


def refusal_text(refused: dict[str, Any]) -> str:
    """The place and the reason of a refused command, in one phrase."""
    return ": ".join(str(refused[key]) for key in ("path", "why") if refused.get(key))
