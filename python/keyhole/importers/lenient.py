"""Reads texts that are damaged in places: what cannot be read is left, line by line.

A product may have stopped at such a line, or a person may have edited the file by hand. The rest
of it is worth having, and the report names each line that is not.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_DEPTH
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place, below
from keyhole.model.units import show_octets

_MAX_REPAIRS = 100
"""Lines that are taken out before a file counts as no settings file at all."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML does not allow (YAML 1.2.2 section 5.1), and TOML nowhere either."""

Value = TypeVar("Value")
Parse = Callable[[str], Value]


class UnreadableLineError(ValueError):
    """A line, from 1, is where a parser stopped."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def decode(octets: bytes, name: str, report: Report, max_octets: int) -> str:
    """The text of a file in UTF-8 or, which is reported, in another encoding."""
    if len(octets) > max_octets:
        raise ImporterError(f"{name} is larger than {show_octets(max_octets)}; no export is")
    encoding = "utf-16" if octets.startswith(_UTF_16) else "utf-8-sig"
    try:
        return octets.decode(encoding)
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
    if encoding == "utf-16":
        raise ImporterError(f"{name} begins like UTF-16 text, and is not")
    why = "it is not UTF-8 text; it was read as Windows-1252, so letters beyond ASCII may be wrong"
    report.changed(Kind.SETTING, f"encoding of {name}", why, Place(name, "", line))
    return octets.decode("cp1252", "replace")


def without_control_characters(text: str, name: str, report: Report) -> str:
    """The text with U+FFFD for characters that no text file may hold; each line is reported."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if found := _CONTROL.search(line):
            why = f"it holds the character U+{ord(found[0]):04X}, which was replaced"
            report.changed(Kind.SETTING, f"line {number} of {name}", why, Place(name, "", number))
            lines[number - 1] = _CONTROL.sub("\ufffd", line)
    return "\n".join(lines)


@dataclass(frozen=True)
class Form:
    """How a format shows where a setting begins."""

    starts: re.Pattern[str]
    """Matches the first line of a setting."""
    heads: re.Pattern[str]
    """Matches a line that all settings up to the next such line belong to."""


def read_around(text: str, name: str, report: Report, parse: Parse[Value], form: Form) -> Value:
    """Parses a text without its unreadable settings, each of which is reported with its lines.

    Raises `ImporterError` where too much would have to go.
    """
    lines = text.split("\n")
    for _ in range(_MAX_REPAIRS):
        try:
            return parse("\n".join(lines))
        except UnreadableLineError as error:
            at = min(max(error.line, 1), len(lines)) - 1
            begin, end = _extent(lines, at, form)
            if not any(line.strip() for line in lines[begin:end]):
                raise ImporterError(f"{name} cannot be read: line {at + 1}: {error}") from error
            lines[begin:end] = [""] * (end - begin)
            where = f"line {begin + 1}" if end == begin + 1 else f"lines {begin + 1} to {end}"
            why = f"it cannot be read: {str(error)[:200]}"
            report.left(Kind.SETTING, f"{where} of {name}", why, Place(name, "", begin + 1))
    raise ImporterError(f"{name} has more than {_MAX_REPAIRS} settings that cannot be read")


def _extent(lines: list[str], at: int, form: Form) -> tuple[int, int]:
    """The lines of the setting that a parser stopped at: the one there or, where that begins while
    a bracket is open, the one before."""
    while at > 0 and not lines[at].strip():
        at -= 1
    begin = _start(lines, at, form.starts)
    before = _start(lines, begin - 1, form.starts) if begin == at and at > 0 else at
    opened = "\n".join(lines[before:at])
    if opened.count("[") > opened.count("]") or opened.count("{") > opened.count("}"):
        return before, at
    last = form.heads if form.heads.match(lines[begin]) else form.starts
    end = at + 1
    while end < len(lines) and not last.match(lines[end]):
        end += 1
    return begin, end


def _start(lines: list[str], at: int, starts: re.Pattern[str]) -> int:
    """The closest line up to ``at`` with which a setting begins; ``at`` if there is none."""
    found = at
    while found > 0 and not starts.match(lines[found]):
        found -= 1
    return found if starts.match(lines[found]) else at


def without_depth(value: Any, name: str, report: Report) -> None:
    """Takes out what is nested deeper than in any export; each value is reported."""
    level, inside = 1, [("", value)]
    while inside:
        level += 1
        children = []
        for path, one in inside:
            keys = list(one) if isinstance(one, dict) else range(len(one))
            for key in keys:
                child = one[key]
                if isinstance(child, dict | list):
                    place = below(path, key) if isinstance(key, str) else f"{path}[{key}]"
                    if level > MAX_DEPTH:
                        why = f"it is nested deeper than {MAX_DEPTH} levels, which no export is"
                        report.left(Kind.SETTING, place, why, Place(name, place))
                        one[key] = None
                    else:
                        children.append((place, child))
        inside = children
