"""One receiver of events: what it is told, what waits for it, and since when it takes nothing."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from keyhole.control.events.refused import Refused
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.events import Event, EventQueue, SendError

FIRST_WAIT, MAX_WAIT = 1.0, 60.0
"""Seconds before a receiver is tried again: doubled each time."""
SILENT_SECONDS = 30.0
"""A receiver that has not answered for so long takes no events."""
BATCH = 100
MAX_PROBES = 512
"""Refused events that are tried one by one before a pause, at most: more than the entries of
durable records that wait, so that a record which is refused as a whole does not hide the rest."""
TEST_SECONDS = 20.0
"""How long a test waits for its delivery."""


class Sender(Protocol):
    """A way to a receiver."""

    async def send(self, events: Sequence[Event]) -> None:
        """Returns once it has them; raises `SendError`."""

    async def close(self) -> None:
        """Ends its connection."""


@dataclass(frozen=True)
class ReceiverState:
    """What a receiver has, since control started. ``since`` is since when it takes nothing, in
    seconds of Unix time, and ``why`` the reason; none while it does."""

    kind: str
    target: str
    events: tuple[str, ...]
    since: float | None
    why: str | None
    sent: int
    lost: int
    waiting: int


class Receiver:
    """One receiver with its queue. Run :meth:`run` as a task; it never ends by itself."""

    def __init__(
        self, kind: str, target: str, chosen: Collection[str], most: int, notify: Notify
    ) -> None:
        """``kind`` is ``syslog`` or ``webhook``, ``target`` where it is, ``chosen`` the kinds of
        events that it is told, of which ``most`` wait."""
        self.kind = kind
        self.target = target
        self.chosen = tuple(chosen)
        self.queue = EventQueue(most)
        self._notify = notify
        self._refused = 0
        self._sent = 0
        self._failing: tuple[float, str] | None = None
        self._under_way: float | None = None
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._again = asyncio.Event()
        self._held = Refused()
        self._retry_at = 0.0
        self._refused_since = 0.0
        self.on_progress: Callable[[str, int], None] = lambda source, number: None
        """Told up to which number the receiver has all entries of a durable record."""

    @property
    def lost(self) -> int:
        """Events that it will never have."""
        return self.queue.lost + self._refused

    def waiting_of(self, source: str) -> int:
        """How many entries of a durable record wait for it."""
        return self.queue.waiting_of(source) + self._held.of_source(source)

    @property
    def state(self) -> ReceiverState:
        """Its state now."""
        since, why = self._failing or (None, None)
        began = self._under_way
        if since is None and self._held.held:
            since = self._refused_since
            why = f"it refuses some (entries of records: {len(self._held.held)}): {self._held.why}"
        if since is None and began is not None and time.time() - began > SILENT_SECONDS:
            since, why = began, "it does not answer"
        return ReceiverState(
            kind=self.kind,
            target=self.target,
            events=self.chosen,
            since=since,
            why=why,
            sent=self._sent,
            lost=self.lost,
            waiting=self.queue.waiting + len(self._held),
        )

    async def test(self, event: Event) -> str | None:
        """Sends an event at once; why it was not delivered, none where it was."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[event.id] = done
        if not self.queue.put(event):
            self._waiting.pop(event.id, None)
            return self.state.why or "too many events wait for it"
        self._again.set()
        try:
            async with asyncio.timeout(TEST_SECONDS):
                await done
        except TimeoutError:
            return self.state.why or "it does not answer"
        except SendError as error:
            return str(error)
        finally:
            self._waiting.pop(event.id, None)
        return None

    async def run(self, sender: Sender) -> None:
        """Sends what waits until it is cancelled."""
        wait, most, probes = FIRST_WAIT, BATCH, 1
        try:
            while True:
                events = await self._next(most)
                if not events:
                    await self._retry(sender)
                    continue
                problem = await self._send(sender, events)
                if problem is None:
                    wait, most, probes = FIRST_WAIT, BATCH, 1
                    continue
                if problem.is_content and most > 1:
                    most = 1  # to find the one that it refuses
                    continue
                if problem.is_content:
                    self.queue.done(1)
                    self._held.suspect(events[0], problem)
                    if len(self._held.suspects) <= probes and self.queue.waiting:
                        continue
                    probes = min(2 * probes, MAX_PROBES)
                # It takes nothing, or there is nothing to compare with: none of them is dropped.
                self.queue.give_back(self._held.give_up())
                await self._pause(wait)
                wait, most = min(2 * wait, MAX_WAIT), BATCH
        finally:
            await sender.close()

    async def _next(self, most: int) -> list[Event]:
        """What is to be sent; nothing where it is time to try again what it refused."""
        if not self._held.held:
            return await self.queue.take(most)
        left = self._retry_at - time.monotonic()
        if left <= 0:
            return []
        try:
            async with asyncio.timeout(left):
                return await self.queue.take(most)
        except TimeoutError:
            return []

    async def _retry(self, sender: Sender) -> None:
        """Tries the held entries again, up to the first that it refuses still."""
        for _ in range(len(self._held.held)):
            event = self._held.held.popleft()
            problem = await self._send(sender, [event], is_retry=True)
            if problem is not None:
                # The next time another one is the first.
                self._held.held.append(event)
                break
        self._retry_at = time.monotonic() + MAX_WAIT

    async def _send(
        self, sender: Sender, events: list[Event], *, is_retry: bool = False
    ) -> SendError | None:
        self._under_way = time.time()
        try:
            await sender.send(events)
        except SendError as error:
            if not is_retry:
                self._fail(str(error), events)
            return error
        finally:
            self._under_way = None
        self._sent += len(events)
        if not is_retry:
            self.queue.done(len(events))
        self._drop_refused()
        for one in events:
            self._settle(one, None)
            number = self._held.progress(one)
            if one.source is not None and number is not None:
                self.on_progress(one.source, number)
        if self._failing is not None:
            self._failing = None
            text = f"events: {self.kind} {self.target} takes them again; {self.lost} were lost"
            self._notify(Notice(Severity.SUCCESS, text))
        return None

    def _drop_refused(self) -> None:
        """It took an event: what it refused before, it refuses for what that is."""
        if not self._held.suspects:
            return
        if not self._held.held:
            self._refused_since = time.time()
            self._retry_at = time.monotonic() + MAX_WAIT
        self._refused += len(self._held.judge())

    def _fail(self, why: str, events: list[Event]) -> None:
        is_new = self._failing is None
        self._failing = (self._failing[0] if self._failing else time.time(), why)
        if is_new:
            text = f"events: {self.kind} {self.target} does not take them; it is tried again"
            self._notify(Notice(Severity.WARNING, text, (why,)))
        for one in events:
            # A test says at once what went wrong; the event is tried again as others are.
            self._settle(one, SendError(why))

    def _settle(self, event: Event, problem: SendError | None) -> None:
        done = self._waiting.get(event.id)
        if done is None or done.done():
            return
        if problem is None:
            done.set_result(None)
        else:
            done.set_exception(problem)

    async def _pause(self, seconds: float) -> None:
        self._again.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._again.wait()
        except TimeoutError:
            pass
