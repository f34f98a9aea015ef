"""What a policy leaves out by domain: each with its reason, until a day."""

from datetime import UTC, date, datetime
from typing import Protocol, TypeVar

from keyhole.model.field_types import FieldType, error_at, text_of


class _OfDomain(Protocol):
    @property
    def domain(self) -> str: ...


One = TypeVar("One", bound=_OfDomain)


def read_day(written: object) -> date:
    """A day such as ``2027-03-31``."""
    text = text_of(written).strip()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text or 'nothing'} is not a day; write it as 2027-03-31") from None


def day_begins(day: date) -> int:
    """The second of Unix time at which a day begins (UTC)."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


DAY = FieldType(read_day, {"type": "string", "format": "date"}, date.isoformat)


def each_domain_once(value: list[One]) -> list[One]:
    """The same list; raises an error at the second entry of a domain."""
    seen: set[str] = set()
    for index, one in enumerate(value):
        if one.domain in seen:
            raise error_at(f"{index}.domain", f"{one.domain} appears twice; name it once")
        seen.add(one.domain)
    return value
