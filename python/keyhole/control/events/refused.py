"""Events that one receiver refused for what they are, until it is known whether that is so."""

from collections import deque

from keyhole.events import Event, SendError


class Refused:
    """An answer such as 400 may speak of an event, or of all: of a wrong signature, for instance.
    Only where the receiver takes another event since, it speaks of the event."""

    def __init__(self) -> None:
        self.suspects: list[Event] = []
        """Refused, and nothing was taken since."""
        self.held: deque[Event] = deque()
        """Refused while others are taken, and kept: entries of durable records."""
        self.why = ""
        """What the receiver said of the last one."""
        self._highest: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.suspects) + len(self.held)

    def of_source(self, source: str) -> int:
        """How many of them come from a durable record."""
        return sum(one.source == source for one in (*self.suspects, *self.held))

    def suspect(self, event: Event, problem: SendError) -> None:
        """Takes in an event that was refused."""
        self.suspects.append(event)
        self.why = str(problem)

    def judge(self) -> list[Event]:
        """The receiver takes others: durable suspects are held from now on, all others are
        returned, to be dropped."""
        suspects, self.suspects = self.suspects, []
        self.held.extend(one for one in suspects if one.source is not None)
        return [one for one in suspects if one.source is None]

    def give_up(self) -> list[Event]:
        """The receiver takes nothing: the suspects, in their order, to be sent again."""
        suspects, self.suspects = self.suspects, []
        return suspects

    def progress(self, event: Event) -> int | None:
        """The number up to which the receiver has all entries of a record, now that it took this
        one; none for an event of no record."""
        if event.source is None:
            return None
        highest = max(event.number, self._highest.get(event.source, 0))
        self._highest[event.source] = highest
        missing = [one.number for one in (*self.suspects, *self.held) if one.source == event.source]
        return min(missing) - 1 if missing else highest
