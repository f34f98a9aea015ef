"""Groups times in which every schedule has the same state."""

from bisect import bisect_right
from collections.abc import Iterable

from keyhole.model.snapshot_identity import Schedule

ScheduleState = tuple[tuple[int, bool, bool], ...]
"""For each schedule: the day of the week, and whether its begin and end have passed."""

_DAY, _MINUTE = 86_400, 60
_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday


def schedule_state(schedules: Iterable[Schedule], at: int) -> ScheduleState:
    """The state of all schedules at a second of Unix time."""
    return tuple(_one(schedule, at) for schedule in schedules)


def _one(schedule: Schedule, at: int) -> tuple[int, bool, bool]:
    step = bisect_right(schedule.offsets, at, key=lambda offset: offset[0]) - 1
    local = at + schedule.offsets[max(step, 0)][1]
    minute = local % _DAY // _MINUTE
    weekday = (local // _DAY + _FIRST_WEEKDAY) % 7
    return weekday, minute >= schedule.begins, minute >= schedule.ends
