"""Schedules of rules: days of the week, a span of the day, and a time zone."""

import re
from functools import lru_cache
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from keyhole.model.field_types import FieldType, Spec, error_at, text_of
from keyhole.model.suggestion import nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60

_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WORDS: dict[str, tuple[int, ...]] = {
    **{word: (number,) for number, word in enumerate(DAYS)},
    **{word: (number,) for number, word in enumerate(_LONG)},
    "weekdays": (0, 1, 2, 3, 4),
    "weekend": (5, 6),
}
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def read_days(written: object) -> tuple[int, ...]:
    """The days of one word, 0 for Monday to 6 for Sunday."""
    text = text_of(written).strip().lower()
    if text in _WORDS:
        return _WORDS[text]
    meant = nearest(text, _WORDS) if text.isalpha() else None
    hint = f"did you mean {meant}?" if meant else f"give {', '.join(DAYS)}, weekdays or weekend"
    raise ValueError(f"{text or 'nothing'} is not a day of the week; {hint}")


def read_minute(written: object) -> int:
    """The minute of the day of a time such as ``21:00``; 24:00 is 1440."""
    text = text_of(written).strip()
    found = _TIME.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else DAY_MINUTES + 1
    if found is None or int(found[2]) > 59 or minute > DAY_MINUTES:
        raise ValueError(
            f"{text or 'nothing'} is not a time of the day; write hours and minutes from 00:00 to "
            "24:00, as 21:00"
        )
    return minute


def show_minute(minute: int) -> str:
    """The time as it is written, such as ``07:30``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def read_zone(written: object) -> str:
    """The name of an installed time zone."""
    text = text_of(written).strip()
    if text not in _zones():
        raise ValueError(f"{text or 'nothing'} is not a time zone; {_suggest_zone(text)}")
    ZoneInfo(text)
    return text


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _suggest_zone(text: str) -> str:
    cities = [zone for zone in sorted(_zones()) if zone.rpartition("/")[2].lower() == text.lower()]
    if cities:
        return f"did you mean {cities[0]}?"
    meant = nearest(text, sorted(_zones()))
    return f"did you mean {meant}?" if meant else "write one as Europe/Berlin or UTC"


DAY = FieldType(
    read_days,
    {"enum": [*DAYS, *_LONG, "weekdays", "weekend"]},
    lambda days: next(word for word, meant in _WORDS.items() if meant == days),
)
MINUTE = FieldType(
    read_minute,
    {"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$", "examples": ["21:00"]},
    show_minute,
)
ZONE = FieldType(read_zone, {"type": "string", "examples": ["Europe/Berlin", "UTC"]})


class When(Spec):
    """Times at which a rule applies; at other times it is ignored."""

    days: list[Annotated[tuple[int, ...], DAY]] | None = Field(
        None,
        min_length=1,
        description="Days on which the time begins: mon to sun, weekdays, weekend; every day if "
        "left out.",
    )
    begins: Annotated[int, MINUTE] | None = Field(
        None, alias="from", description="The time of the day at which it begins, such as 21:00."
    )
    ends: Annotated[int, MINUTE] | None = Field(
        None,
        alias="to",
        description="The time at which it ends; on the next day if that is not later than from.",
    )
    timezone: Annotated[str, ZONE] = Field(
        description="The time zone of these times, such as Europe/Berlin or UTC."
    )

    @field_validator("days", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.days is None and self.begins is None and self.ends is None:
            raise error_at("days", "the rule would always apply; give days, or from and to")
        if (self.begins is None) != (self.ends is None):
            present, absent = ("to", "from") if self.begins is None else ("from", "to")
            raise error_at(
                present, f"{present} without {absent}; give both, or none for whole days"
            )
        if self.begins is not None and self.begins == self.ends:
            raise error_at("to", "from and to are the same; leave both out for whole days")
        if self.begins == DAY_MINUTES:
            raise error_at("from", "24:00 ends a day; write from 00:00")
        return self

    @property
    def weekdays(self) -> tuple[int, ...]:
        """The days of the week on which it begins, 0 for Monday, each once."""
        if self.days is None:
            return tuple(range(len(DAYS)))
        return tuple(sorted({day for days in self.days for day in days}))

    @property
    def minutes(self) -> tuple[int, int]:
        """The minutes of the day at which it begins and ends; whole days end where they begin."""
        return (self.begins or 0) % DAY_MINUTES, (self.ends or 0) % DAY_MINUTES

    @property
    def words(self) -> str:
        """The schedule as text."""
        days = self.weekdays
        named = ", ".join(DAYS[day] for day in days) if len(days) < len(DAYS) else "every day"
        span = ""
        if self.begins is not None and self.ends is not None:
            span = f" from {show_minute(self.begins)} to {show_minute(self.ends)}"
        return f"{named}{span} {self.timezone}"
