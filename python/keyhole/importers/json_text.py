"""JSON files, with the line of each key and entry."""

import json
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import JSONArray, JSONObject  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from keyhole.importers.error import ImporterError
from keyhole.importers.lenient import decode, without_depth
from keyhole.importers.limits import MAX_DIGITS, MAX_JSON, MAX_VALUES
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place, SettingsFile, below


def parse_json(octets: bytes, name: str, report: Report) -> SettingsFile:
    """Reads a file, whose value may also be a list; raises `ImporterError` where it is not JSON.

    A list is the value of the key that is empty. What stands behind the end of the value costs
    nothing but itself.
    """
    try:
        text = decode(octets, name, report, MAX_JSON)
        if sum(map(text.count, "[{,")) > MAX_VALUES:
            raise ImporterError(f"{name} has more than {MAX_VALUES} values; no export has")
        decoder = _Decoder(text, name, report)
        value, end = decoder.raw_decode(text, len(text) - len(text.lstrip()))
    except (RecursionError, ValueError) as error:
        raise ImporterError(f"{name} is not JSON: {str(error)[:200]}") from error
    if rest := text[end:].lstrip():
        line = text.count("\n", 0, len(text) - len(rest)) + 1
        why = "it stands behind the end of the JSON value, and nothing reads it there"
        report.left(Kind.SETTING, f"line {line} of {name}", why, Place(name, "", line))
    if isinstance(value, dict | list):
        without_depth(value, name, report)
    return SettingsFile(name, value, dict(decoder.lines_of(value, "")))


class _Decoder(json.JSONDecoder):
    """Remembers where each list and mapping begins.

    The standard decoder in C tells no positions; the one in Python, of the same module, does.
    """

    def __init__(self, text: str, name: str, report: Report) -> None:
        super().__init__(object_pairs_hook=self._pairs, parse_int=_number, strict=False)
        self._newlines = [at for at, letter in enumerate(text) if letter == "\n"]
        self._begin: dict[int, int] = {}
        self._name, self._report = name, report
        self._line = 1
        self.parse_object = self._object
        self.parse_array = self._array
        self.scan_once = py_make_scanner(self)

    def _object(self, where: tuple[str, int], *rest: Any) -> tuple[Any, int]:
        value, end = JSONObject(where, *rest)
        self._begin[id(value)] = self._line_at(where[1])
        return value, end

    def _array(self, where: tuple[str, int], *rest: Any) -> tuple[Any, int]:
        value, end = JSONArray(where, *rest)
        self._begin[id(value)] = self._line_at(where[1])
        return value, end

    def _line_at(self, position: int) -> int:
        return bisect_right(self._newlines, position - 1) + 1

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            keys = [key for key, _ in pairs]
            for key in dict.fromkeys(key for key in keys if keys.count(key) > 1):
                why = "the key appears twice in one place; its last value is used"
                self._report.changed(Kind.SETTING, f"{key} in {self._name}", why, Place(self._name))
        return value

    def lines_of(self, value: Any, path: str) -> Iterator[tuple[str, int]]:
        """The line of each list and mapping, by its path."""
        if isinstance(value, dict | list):
            yield path, self._begin.get(id(value), 0)
        if isinstance(value, dict):
            for key, one in value.items():
                yield from self.lines_of(one, below(path, key))
        elif isinstance(value, list):
            for index, one in enumerate(value):
                yield from self.lines_of(one, f"{path}[{index}]")


def _number(text: str) -> int | str:
    return int(text) if len(text) < MAX_DIGITS else text
