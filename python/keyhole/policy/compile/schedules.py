"""When rules act: each schedule once, however many rules share it."""

from keyhole.model.schedule import When
from keyhole.model.snapshot_identity import Schedule
from keyhole.policy.compile.zones import steps


class Schedules:
    """The schedules of a snapshot, in the order in which rules first use them."""

    def __init__(self, year: int) -> None:
        """``year`` is the year in which the snapshot is made; ten more are covered."""
        self._year = year
        self._places: dict[tuple[object, ...], int] = {}
        self.all: list[Schedule] = []

    def place(self, when: When | None) -> int | None:
        """The index of the schedule, which is added if it is new; none for always."""
        if when is None:
            return None
        key = (when.weekdays, when.minutes, when.timezone)
        if key not in self._places:
            self._places[key] = len(self.all)
            self.all.append(self._schedule(when))
        return self._places[key]

    def _schedule(self, when: When) -> Schedule:
        begins, ends = when.minutes
        return Schedule(
            days=list(when.weekdays),
            begins=begins,
            ends=ends,
            offsets=list(steps(when.timezone, self._year)),
            words=when.words,
        )
