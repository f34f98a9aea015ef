"""TOML files, with the line of each key and entry."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from keyhole.importers.error import ImporterError
from keyhole.importers.lenient import (
    Form,
    UnreadableLineError,
    decode,
    read_around,
    without_control_characters,
    without_depth,
)
from keyhole.importers.limits import MAX_DIGITS, MAX_STRUCTURED
from keyhole.importers.report import Report
from keyhole.importers.settings_file import SettingsFile, below

_HEAD = re.compile(r"\s*\[+([^\[\]]+)\]+\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_FORM = Form(re.compile(f"{_HEAD.pattern}|{_KEY.pattern}"), _HEAD)
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_LARGE = re.compile(rf"\d{{{MAX_DIGITS},}}")


def parse_toml(octets: bytes, name: str, report: Report) -> SettingsFile:
    """Reads a file; raises `ImporterError` where it is not TOML."""
    text = without_control_characters(
        decode(octets, name, report, MAX_STRUCTURED), name, report
    ).replace("\r\n", "\n")
    value = read_around(text, name, report, _parse, _FORM)
    without_depth(value, name, report)
    return SettingsFile(name, value, dict(_lines(text)))


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = int(found[1]) if found and found[1] else text.rstrip().count("\n") + 1
        raise UnreadableLineError(line, _AT.sub("", str(error))) from error
    except RecursionError as error:
        raise ImporterError("it is nested too deeply to be TOML of any export") from error
    except ValueError as error:  # a number with more digits than Python reads
        large = _LARGE.search(text)
        line = text.count("\n", 0, large.start()) + 1 if large else 1
        raise UnreadableLineError(line, "a number is too large") from error


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """The line of each key and of each entry of a list, as far as they stand on lines of their own.

    The parser tells no lines, so they are found by the form of the text.
    """
    head, path = "", ""
    entries = 0
    counts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if (found := _KEY.match(line)) is not None:
            path, entries = below(head, _plain(found[1])), 0
            yield path, number
            line = line[found.end() :]
        elif (found := _HEAD.match(line)) is not None:
            head = _plain(found[1])
            if line.lstrip().startswith("[["):
                counts[head] = counts.get(head, -1) + 1
                head = f"{head}[{counts[head]}]"
            yield head, number
            continue
        for _ in _entries(line):
            yield f"{path}[{entries}]", number
            entries += 1


def _entries(line: str) -> Iterator[str]:
    """The texts and numbers on a line, up to a comment."""
    for found in re.finditer(r"""#.*|"(?:[^"\\]|\\.)*"|'[^']*'|[\w.+-]+""", line):
        if found[0].startswith("#"):
            return
        yield found[0]


def _plain(key: str) -> str:
    return ".".join(part.strip("\"'") for part in _PART.findall(key))
