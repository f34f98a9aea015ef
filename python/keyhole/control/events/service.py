"""Collects events while Keyhole runs, and hands them to each receiver."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from keyhole.config.sections.events import OF_QUERIES
from keyhole.control.events.attention import AttentionWatch, Wrong
from keyhole.control.events.progress import Progress
from keyhole.control.events.queries import (
    FINDINGS,
    QUERIES,
    REFUSALS,
    MissedNotice,
    QueryFeed,
    lost_of,
)
from keyhole.control.events.receiver import Receiver, ReceiverState, Sender
from keyhole.control.events.sources import Source
from keyhole.errors import KeyholeError
from keyhole.events import Event, Lane, Severity

LOOK_SECONDS = 5.0
"""How often it is looked what needs attention: what lasts shorter is not told."""
QUERY_SECONDS = 0.5
SOURCE_SECONDS = 1.0
KEEP_SECONDS = 2.0
AT_ONCE = 5_000
"""Queries of one look and of one kind that are told at most."""
_LANES = {FINDINGS: Lane.FINDINGS, REFUSALS: Lane.BULK, QUERIES: Lane.BULK}
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
        self._missed: Counter[str] = Counter()
        self._notice = MissedNotice()
        for receiver in self._receivers:
            receiver.on_progress = partial(self._has, receiver.target)

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
            self._progress.write()

    def _publish(self, event: Event) -> None:
        """Hands an event to each receiver that wants its kind, or else wants it as a query."""
        for receiver in self._receivers:
            if event.kind in receiver.chosen:
                receiver.queue.put(event, _LANES.get(event.kind, Lane.OTHERS))
            elif event.kind in OF_QUERIES and QUERIES in receiver.chosen:
                receiver.queue.put(replace(event, kind=QUERIES), Lane.BULK)

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
                    self._publish(event)
            self._count_missed(self._queries.missed)
            if (missed := self._notice.due(self._queries.missed.total(), time.monotonic())) > 0:
                text = f"{missed} queries were lost before they could be told"
                self._publish(Event("attention", Severity.WARNING, text, {"lost": missed}))
            await asyncio.sleep(QUERY_SECONDS)

    def _count_missed(self, missed: Counter[str]) -> None:
        """Counts as lost what each receiver would have been told."""
        new = missed - self._missed
        self._missed = missed
        for receiver in self._receivers:
            receiver.queue.lost += lost_of(new, receiver.chosen)

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
            room = min(_WAITING - receiver.waiting_of(source.name), receiver.queue.room)
            if room <= 0:
                continue
            for event in await asyncio.to_thread(source.after, self._read[key], room):
                # Others may have taken the room meanwhile.
                if not receiver.queue.put(event):
                    break
                self._read[key] = event.number

    def _has(self, target: str, source: str, number: int) -> None:
        self._progress.set(target, source, number)
        self._must_keep.set()

    async def _keep(self) -> None:
        """Writes the progress a moment after it changed: at most once in that time."""
        while True:
            await self._must_keep.wait()
            self._must_keep.clear()
            await asyncio.to_thread(self._progress.write)
            await asyncio.sleep(KEEP_SECONDS)
