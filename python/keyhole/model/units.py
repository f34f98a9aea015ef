"""Sizes and durations as people write them: ``64MiB``, ``500ms``, ``30s``, ``1d``."""

import re
from collections.abc import Callable, Mapping

from keyhole.model.field_types import FieldType, text_of

OCTETS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

KIB, MIB, GIB = 2**10, 2**20, 2**30
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000

_Show = Callable[[int], str]
_WRITTEN = re.compile(r"([0-9]{1,15})\s*([A-Za-z]*)")


def read_octets(text: str) -> int:
    """Octets from ``512B``, ``8KiB``, ``64MiB``, ``1GiB``; a bare number counts octets."""
    number, unit = _split(text, "size", "64MiB")
    return number * _factor(text, unit or "B", OCTETS, "64MiB")


def read_milliseconds(text: str) -> int:
    """Milliseconds from ``500ms``, ``30s``, ``5m``, ``12h``, ``1d``; only 0 needs no unit."""
    number, unit = _split(text, "time", "30s")
    if not unit and number:
        raise ValueError(f"{text} has no unit; write {text}s for seconds or {text}ms")
    return number * _factor(text, unit or "s", MILLISECONDS, "30s")


def show_octets(octets: int) -> str:
    """The shortest exact form, such as ``64MiB``."""
    return _show(octets, OCTETS, "B")


def show_milliseconds(milliseconds: int) -> str:
    """The shortest exact form, such as ``1d`` or ``1500ms``."""
    return _show(milliseconds, MILLISECONDS, "s")


def octets(low: int, high: int) -> FieldType:
    """A size from ``low`` to ``high`` octets; the value is octets."""

    def read(written: object) -> int:
        size = read_octets(text_of(written))
        return _within(size, low, high, show_octets)

    return FieldType(read, _schema("size", OCTETS, low, high, show_octets, bare=True), show_octets)


def milliseconds(low: int, high: int) -> FieldType:
    """A time from ``low`` to ``high`` milliseconds; the value is milliseconds."""

    def read(written: object) -> int:
        return _within(read_milliseconds(text_of(written)), low, high, show_milliseconds)

    schema = _schema("time", MILLISECONDS, low, high, show_milliseconds, bare=False)
    return FieldType(read, schema, show_milliseconds)


def seconds(low: int, high: int, *, bare: bool = False) -> FieldType:
    """A time from ``low`` to ``high`` seconds; the value is seconds.

    ``bare`` allows a number without a unit, as everybody writes a TTL.
    """

    def show(value: int) -> str:
        return show_milliseconds(value * SECOND)

    def read(written: object) -> int:
        text = text_of(written).strip()
        value = int(text) * SECOND if bare and _is_bare(text) else read_milliseconds(text)
        if value % SECOND:
            raise ValueError(f"{text} is not a whole number of seconds")
        return _within(value // SECOND, low, high, show)

    return FieldType(read, _schema("time", MILLISECONDS, low, high, show, bare=bare), show)


def _is_bare(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _split(text: str, what: str, example: str) -> tuple[int, str]:
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text} is not a {what}; write a whole number and a unit, as {example}")
    return int(found[1]), found[2]


def _factor(text: str, unit: str, units: Mapping[str, int], example: str) -> int:
    if unit in units:
        return units[unit]
    # KB, kb and K are ambiguous, so they are refused.
    meant = next((u for u in units if u.lower()[:1] == unit.lower()[:1]), None)
    hint = f"; did you mean {text.strip().removesuffix(unit)}{meant}?" if meant else ""
    raise ValueError(f"{unit} is not a unit here; use {', '.join(units)}, as in {example}{hint}")


def _show(value: int, units: Mapping[str, int], zero: str) -> str:
    if value == 0:
        return f"0{zero}"
    unit, factor = next((u, f) for u, f in reversed(list(units.items())) if value % f == 0)
    return f"{value // factor}{unit}"


def _within(value: int, low: int, high: int, show: _Show) -> int:
    if not low <= value <= high:
        raise ValueError(
            f"{show(value)} is out of range; give something from {show(low)} to {show(high)}"
        )
    return value


def _schema(
    what: str, units: Mapping[str, int], low: int, high: int, show: _Show, *, bare: bool
) -> dict[str, object]:
    described = f"a {what} from {show(low)} to {show(high)}"
    pattern = rf"^[0-9]+\s*({'|'.join(units)})$"
    written: dict[str, object] = {"type": "string", "pattern": pattern, "description": described}
    if bare:
        return {"anyOf": [written, {"type": "integer", "minimum": low, "maximum": high}]}
    return {"anyOf": [written, {"const": 0}]} if low == 0 else written
