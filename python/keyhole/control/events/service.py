"""Collects events while Keyhole runs, and hands them to each receiver."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from keyhole.control.events.attention import AttentionWatch, Wrong
from keyhole.control.events.progress import Progress
from keyhole.control.events.queries import QUERIES, QueryFeed
from keyhole.control.events.receiver import Receiver, ReceiverState, Sender
from keyhole.control.events.sources import Source
from keyhole.errors import KeyholeError
from keyhole.events import Event, Severity

LOOK_SECONDS = 5.0
"""How often it is looked what needs attention: what lasts shorter is not told."""
QUERY_SECONDS = 0.5
SOURCE_SECONDS = 1.0
KEEP_SECONDS = 2.0
AT_ONCE = 5_000
"""Queries of one look that are told at most."""
_WAITING = 200
"""Entries of one source that wait for one receiver in memory."""


class EventService:
    """All receivers. Run :meth:`run` as a task; it never ends by itself."""

    def __init__(
        self,
        receivers: Sequence[tuple[Receiver, Sender]],
        progress: Progress,
        queries: QueryFeed | None,
        wrong_now: Callable[[], Iterable[Wrong]],
    ) -> None:
        """``queries`` is none where no receiver wants any; ``wrong_now`` is what needs
        attention."""
        self._receivers = [receiver for receiver, _ in receivers]
        self._senders = dict(receivers)
        self._progress = progress
        self._queries = queries
        self._wrong_now = wrong_now
        self._sources: list[Source] = []
        self._read: dict[tuple[str, str], int] = {}
        self._must_keep = asyncio.Event()
        self._missed = 0
        for receiver in self._receivers:
            receiver.on_delivered = self._delivered_to(receiver)

    def add_source(self, source: Source) -> None:
        """Tells of the entries of a durable record, too."""
        self._sources.append(source)

    def states(self) -> list[ReceiverState]:
        """The state of each receiver."""
        return [one.state for one in self._receivers]

    async def test(self) -> dict[str, str | None]:
        """Sends each receiver one event; by target why it was not delivered, none where it was."""
        event = Event("test", Severity.INFO, "a test of the way of events", {"test": True})
        found = await asyncio.gather(*(one.test(event) for one in self._receivers))
        return {one.target: why for one, why in zip(self._receivers, found, strict=True)}

    async def run(self) -> None:
        """Runs until it is cancelled."""
        work = [self._look(), self._tell_sources(), self._keep()]
        if self._queries is not None:
            work.append(self._tell_queries())
        try:
            async with asyncio.TaskGroup() as group:
                for receiver, sender in self._senders.items():
                    group.create_task(receiver.run(sender))
                for one in work:
                    group.create_task(one)
        finally:
            if self._queries is not None:
                self._queries.close()
            self._progress.write(self._progress.content)

    def _publish(self, event: Event, *, is_query: bool = False) -> None:
        for receiver in self._receivers:
            if event.kind in receiver.chosen:
                receiver.queue.put(event, is_bulk=is_query)
            elif is_query and QUERIES in receiver.chosen:
                receiver.queue.put(replace(event, kind=QUERIES), is_bulk=True)

    async def _look(self) -> None:
        watch = AttentionWatch()
        while True:
            for event in watch.look(self._wrong_now()):
                self._publish(event)
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell_queries(self) -> None:
        assert self._queries is not None
        while True:
            with suppress(OSError):  # the log may be on its way
                for event in await asyncio.to_thread(self._queries.new, AT_ONCE):
                    self._publish(event, is_query=True)
            if self._queries.missed > self._missed:
                missed = self._queries.missed - self._missed
                self._missed = self._queries.missed
                text = f"{missed} queries were lost before they could be told"
                self._publish(Event("attention", Severity.WARNING, text, {"lost": missed}))
            await asyncio.sleep(QUERY_SECONDS)

    async def _tell_sources(self) -> None:
        while True:
            for source in self._sources:
                # A database that cannot be read is a part that failed, and is read again.
                with suppress(KeyholeError, OSError):
                    await self._tell(source)
            await asyncio.sleep(SOURCE_SECONDS)

    async def _tell(self, source: Source) -> None:
        last: int | None = None
        for receiver in self._receivers:
            if source.name not in receiver.chosen:
                continue
            key = (receiver.target, source.name)
            if key not in self._read:
                last = await asyncio.to_thread(source.last) if last is None else last
                known = self._progress.of(*key)
                # A receiver that is new begins with what comes; a restored record may be shorter.
                self._read[key] = last if known is None else min(known, last)
                self._progress.set(*key, self._read[key])
                self._must_keep.set()
            # What finds no place stays in its record, and is read later.
            room = min(_WAITING - receiver.queue.waiting_of(source.name), receiver.queue.room)
            if room <= 0:
                continue
            for event in await asyncio.to_thread(source.after, self._read[key], room):
                receiver.queue.put(event)
                self._read[key] = event.number

    def _delivered_to(self, receiver: Receiver) -> Callable[[Event], None]:
        def delivered(event: Event) -> None:
            if event.source is not None:
                self._progress.set(receiver.target, event.source, event.number)
                self._must_keep.set()

        return delivered

    async def _keep(self) -> None:
        """Writes the progress a moment after it changed: at most once in that time."""
        while True:
            await self._must_keep.wait()
            self._must_keep.clear()
            await asyncio.to_thread(self._progress.write, self._progress.content)
            await asyncio.sleep(KEEP_SECONDS)
