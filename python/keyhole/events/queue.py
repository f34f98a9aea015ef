"""Events that wait for one receiver: bounded, and what finds no place is counted."""

import asyncio
from collections import deque
from collections.abc import Iterable

from keyhole.events.event import Event


class EventQueue:
    """Two lanes, so that a flood of queries displaces nothing else. For one event loop."""

    def __init__(self, most: int) -> None:
        """Each lane takes ``most`` events."""
        self._most = most
        self._lanes: tuple[deque[Event], deque[Event]] = (deque(), deque())
        self._taken: list[Event] = []
        self._has_some = asyncio.Event()
        self.lost = 0
        """Events that found no place."""

    def put(self, event: Event, *, is_bulk: bool = False) -> None:
        """Adds an event, or counts it as lost: those that wait are older and come first."""
        lane = self._lanes[is_bulk]
        if len(lane) >= self._most:
            self.lost += 1
            return
        lane.append(event)
        self._has_some.set()

    @property
    def waiting(self) -> int:
        """How many wait, those that are being sent among them."""
        return len(self._taken) + sum(map(len, self._lanes))

    @property
    def room(self) -> int:
        """How many more have a place, apart from queries."""
        return self._most - len(self._lanes[0])

    def waiting_of(self, source: str) -> int:
        """How many of them come from a durable record."""
        every: Iterable[Event] = (*self._taken, *self._lanes[0])
        return sum(one.source == source for one in every)

    async def take(self, most: int) -> list[Event]:
        """At most ``most`` events, as soon as there is one; the same again until `done`."""
        while not self._taken:
            for lane in self._lanes:
                while lane and len(self._taken) < most:
                    self._taken.append(lane.popleft())
            if not self._taken:
                self._has_some.clear()
                await self._has_some.wait()
        return self._taken[:most]

    def done(self, number: int) -> None:
        """Forgets the first so many of those that were taken."""
        del self._taken[:number]
