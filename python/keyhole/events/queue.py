"""Events that wait for one receiver: bounded, and what finds no place is counted."""

import asyncio
import enum
from collections import deque
from collections.abc import Iterable, Sequence

from keyhole.events.event import Event


class Lane(enum.IntEnum):
    """Where an event waits. A lower lane goes first, and no lane takes the place of another."""

    OTHERS = 0
    FINDINGS = 1
    BULK = 2


class EventQueue:
    """A lane each for findings and for other queries, so that a flood of queries displaces nothing
    else. For one event loop."""

    def __init__(self, most: int) -> None:
        """Each lane takes ``most`` events."""
        self._most = most
        self._lanes: tuple[deque[Event], ...] = tuple(deque() for _ in Lane)
        self._taken: list[Event] = []
        self._has_some = asyncio.Event()
        self.lost = 0
        """Events that found no place, and that nothing holds any more."""

    def put(self, event: Event, lane: Lane = Lane.OTHERS) -> bool:
        """Adds an event, or says that it found no place: those that wait are older and come first.
        It is lost then, unless a durable record holds it."""
        if len(self._lanes[lane]) >= self._most:
            self.lost += event.source is None
            return False
        self._lanes[lane].append(event)
        self._has_some.set()
        return True

    @property
    def waiting(self) -> int:
        """How many wait, those that are being sent among them."""
        return len(self._taken) + sum(map(len, self._lanes))

    @property
    def room(self) -> int:
        """How many more have a place, apart from queries."""
        return self._most - len(self._lanes[Lane.OTHERS])

    def waiting_of(self, source: str) -> int:
        """How many of them come from a durable record."""
        every: Iterable[Event] = (*self._taken, *self._lanes[Lane.OTHERS])
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

    def give_back(self, events: Sequence[Event]) -> None:
        """Takes back what was `done` before: it comes first again."""
        self._taken[:0] = events
