"""Reads untrusted settings of any format: the caller asks for each value with its type.

A value of another type is not imported, and the report says where.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from keyhole.config.source_tree import plain
from keyhole.config.yaml import read_yaml
from keyhole.importers.addresses import is_count
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_DEPTH, MAX_ITEMS, MAX_JSON, MAX_STRUCTURED, MAX_VALUES
from keyhole.importers.report import Kind, Report
from keyhole.model.units import show_octets

_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")


class Section:
    """A mapping, with its path in the file."""

    def __init__(self, value: Mapping[str, Any], report: Report, path: str = "") -> None:
        self.value = value
        self.path = path
        self._report = report

    def under(self, *keys: str) -> "Section":
        """The mapping below these keys; empty where there is none."""
        found: Section = self
        for key in keys:
            path = found.place(key)
            value = found.value.get(key)
            if value is not None and not isinstance(value, dict):
                self._wrong(path, "keys with values")
            found = Section(value if isinstance(value, dict) else {}, self._report, path)
        return found

    def text(self, key: str, default: str = "") -> str:
        """A text; a number is converted."""
        value = self.value.get(key)
        if value is None:
            return default
        text = scalar_text(value)
        if text is None:
            self._wrong(self.place(key), "one text")
            return default
        return text

    def flag(self, key: str, default: bool) -> bool:
        """A boolean, also in the forms ``yes``, ``no``, ``on`` and ``off``."""
        value = self.value.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        word = str(value).strip().lower()
        if word not in (*_TRUE, *_FALSE):
            self._wrong(self.place(key), "true or false")
            return default
        return word in _TRUE

    def number(self, key: str, default: int) -> int:
        """A whole number."""
        value = self.value.get(key)
        text = scalar_text(value) if value is not None else None
        if text is None or not is_count(text.removeprefix("-")):
            if value is not None:
                self._wrong(self.place(key), "a whole number")
            return default
        return int(text)

    def texts(self, key: str) -> list[str]:
        """A list of texts; a single text counts as a list of one."""
        value = self.value.get(key)
        if value is None:
            return []
        values = value if isinstance(value, list) else [value]
        texts = [
            text for one in self._bounded(values, key) if (text := scalar_text(one)) is not None
        ]
        if len(texts) != len(values):
            self._wrong(self.place(key), "a list of texts")
        return texts

    def sections(self, key: str) -> list["Section"]:
        """A list of mappings."""
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(self.place(key), "a list")
            return []
        found = []
        for index, one in enumerate(self._bounded(value, key)):
            path = f"{self.place(key)}[{index}]"
            if isinstance(one, dict):
                found.append(Section(one, self._report, path))
            elif one is not None:
                self._wrong(path, "keys with values")
        return found

    def entries(self, key: str) -> Iterator[tuple[str, Any]]:
        """The keys and values of a mapping."""
        yield from self._bounded(list(self.under(key).value.items()), key)

    def place(self, key: str) -> str:
        """The dotted path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def _bounded(self, values: list[Any], key: str) -> list[Any]:
        if len(values) > MAX_ITEMS:
            raise ImporterError(
                f"{self.place(key)} has {len(values)} entries; no export has so many"
            )
        return values

    def _wrong(self, path: str, wanted: str) -> None:
        self._report.left(Kind.SETTING, path, f"the value must be {wanted}")


def scalar_text(value: object) -> str | None:
    """The text of a string, number or boolean; none for other values."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def read_toml(octets: bytes, name: str) -> dict[str, Any]:
    """Parses a TOML file; raises `ImporterError`."""
    try:
        settings = tomllib.loads(_text(octets, name, MAX_STRUCTURED))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ImporterError(f"{name} is not TOML: {str(error)[:200]}") from error
    _check_depth(settings, name)
    return settings


def read_json(octets: bytes, name: str) -> Any:
    """Parses a JSON file; raises `ImporterError`."""
    try:
        text = _text(octets, name, MAX_JSON)
        if sum(map(text.count, "[{,")) > MAX_VALUES:
            raise ImporterError(f"{name} has more than {MAX_VALUES} values; no export has")
        value = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise ImporterError(f"{name} is not JSON: {str(error)[:200]}") from error
    _check_depth(value, name)
    return value


def read_yaml_file(octets: bytes, name: str) -> dict[str, Any]:
    """Parses a YAML file with one document; scalars but true, false and null stay texts."""
    nodes, problems = read_yaml(_text(octets, name, MAX_STRUCTURED), name)
    if problems:
        raise ImporterError(f"{name} cannot be read: {problems[0]}")
    value = plain(nodes[0]) if nodes else None
    if not isinstance(value, dict):
        raise ImporterError(f"{name} holds no settings")
    return value


def _text(octets: bytes, name: str, max_octets: int) -> str:
    if len(octets) > max_octets:
        raise ImporterError(f"{name} is larger than {show_octets(max_octets)}; no export is")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImporterError(f"{name} is not UTF-8 text") from error


def _check_depth(value: Any, name: str) -> None:
    level, below = 0, [value]
    while below:
        level += 1
        if level > MAX_DEPTH:
            raise ImporterError(f"{name} is nested deeper than {MAX_DEPTH} levels; no export is")
        below = [
            child
            for one in below
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
