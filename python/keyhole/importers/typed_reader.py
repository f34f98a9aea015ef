"""Reads untrusted settings of any format: the caller asks for each value with its type.

A value of another type is not imported, and the report says where. What was asked for is marked
as read, so that the rest can be reported as well.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keyhole.importers.addresses import is_count
from keyhole.importers.error import ImporterError
from keyhole.importers.json_text import parse_json
from keyhole.importers.limits import MAX_DIGITS, MAX_ITEMS
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place, SettingsFile, below
from keyhole.importers.toml import parse_toml
from keyhole.importers.yaml_text import parse_yaml

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


class Section:
    """A mapping, with its path in the file."""

    def __init__(
        self,
        value: Mapping[str, Any],
        report: Report,
        path: str = "",
        file: SettingsFile | None = None,
    ) -> None:
        self.value = value
        self.path = path
        self._report = report
        self.file = file or SettingsFile("", dict(value))

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.file.place(self.path)

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return self.value.get(key) is not None

    def under(self, *keys: str) -> "Section":
        """The mapping below these keys; empty where there is none."""
        found: Section = self
        for key in keys:
            path = found.place_of(key)
            value = found.value.get(key)
            if value is not None and not isinstance(value, dict):
                self._wrong(path, value, "keys with values")
            inner = value if isinstance(value, dict) else {}
            found = Section(inner, self._report, path, self.file)
        return found

    def text(self, key: str, default: str = "") -> str:
        """A text; a number is converted."""
        value = self.value.get(key)
        if value is None:
            return default
        text = scalar_text(value)
        if text is None:
            self._wrong(self.place_of(key), value, "one text")
            return default
        self._mark(key, value)
        self._note(text, self.place_of(key))
        return text

    def flag(self, key: str, default: bool) -> bool:
        """A boolean, also in the forms ``yes``, ``no``, ``on`` and ``off``."""
        value = self.value.get(key)
        self._mark(key, value)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        word = (scalar_text(value) or "").strip().lower()
        if word not in (*_TRUE, *_FALSE):
            self._wrong(self.place_of(key), value, "true or false")
            return default
        return word in _TRUE

    def number(self, key: str, default: int) -> int:
        """A whole number."""
        value = self.value.get(key)
        self._mark(key, value)
        text = scalar_text(value) if value is not None else None
        if text is None or not is_count(text.strip().removeprefix("-")):
            if value is not None:
                self._wrong(self.place_of(key), value, "a whole number")
            return default
        return int(text)

    def texts(self, key: str) -> list[str]:
        """A list of texts; a single text counts as a list of one."""
        value = self.value.get(key)
        if value is None:
            return []
        path = self.place_of(key)
        if not isinstance(value, list):
            single = self.text(key)
            return [single] if single else []
        if not value:
            self._mark(key, value)
        texts = []
        for at, one in enumerate(self._bounded(value, path)):
            entry, text = f"{path}[{at}]", scalar_text(one)
            if one is not None and text is None:
                self._wrong(entry, one, "one text")
                continue
            self.file.mark(entry, one)
            if text is not None:
                texts.append(text)
                self._note(text, entry)
        return texts

    def sections(self, key: str) -> list["Section"]:
        """A list of mappings."""
        value = self.value.get(key)
        if value is None:
            return []
        path = self.place_of(key)
        if not isinstance(value, list):
            self._wrong(path, value, "a list")
            return []
        if not value:
            self._mark(key, value)
        found = []
        for index, one in enumerate(self._bounded(value, path)):
            entry = f"{path}[{index}]"
            if isinstance(one, dict):
                found.append(Section(one, self._report, entry, self.file))
            elif one is not None:
                self._wrong(entry, one, "keys with values")
            else:
                self.file.mark(entry, one)
        return found

    def entries(self, key: str) -> Iterator[tuple[str, Any]]:
        """The keys and values of a mapping."""
        value = self.under(key).value
        path = self.place_of(key)
        for name, one in self._bounded(list(value.items()), path):
            if not isinstance(one, dict | list):
                self.file.mark(below(path, name), one)
            yield name, one

    def place_of(self, key: str) -> str:
        """The dotted path of a key."""
        return below(self.path, key)

    def ignore(self, *keys: str) -> None:
        """Marks keys that mean nothing by themselves as read."""
        for key in keys:
            self._mark(key, self.value.get(key))

    def leave(self, key: str, why: str) -> None:
        """Reports all of a key's value as left."""
        if key in self.value:
            self._mark(key, self.value[key])
            path = self.place_of(key)
            self._report.left(Kind.SETTING, path, why, self.file.place(path))

    def _note(self, text: str, path: str) -> None:
        if text.strip() and self.file.name:
            self._report.note(text, self.file.place(path))

    def _mark(self, key: str, value: Any) -> None:
        if key in self.value:
            self.file.mark(self.place_of(key), value)

    def _bounded(self, values: list[Any], path: str) -> list[Any]:
        if len(values) <= MAX_ITEMS:
            return values
        for at, one in enumerate(values[MAX_ITEMS:], MAX_ITEMS):
            self.file.mark(f"{path}[{at}]", one)
        why = f"it has {len(values)} entries; only the first {MAX_ITEMS} are read"
        self._report.left(Kind.SETTING, path, why, self.file.place(path))
        return values[:MAX_ITEMS]

    def _wrong(self, path: str, value: Any, wanted: str) -> None:
        self.file.mark(path, value)
        why = f"the value must be {wanted}"
        self._report.left(Kind.SETTING, path, why, self.file.place(path))


def scalar_text(value: object) -> str | None:
    """The text of a string, number or boolean; none for other values."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        return None
    return str(value) if isinstance(value, str | int | float) else None


def read_toml(octets: bytes, name: str, report: Report) -> Section:
    """The settings of a TOML file; raises `ImporterError`."""
    return _opened(parse_toml, octets, name, report)


def read_json(octets: bytes, name: str, report: Report) -> Section:
    """The settings of a JSON file; raises `ImporterError`."""
    return _opened(parse_json, octets, name, report)


def read_yaml_file(octets: bytes, name: str, report: Report) -> Section:
    """The settings of a YAML file; raises `ImporterError`."""
    return _opened(parse_yaml, octets, name, report)


def _opened(
    parse: Callable[[bytes, str, Report], SettingsFile], octets: bytes, name: str, report: Report
) -> Section:
    file = parse(octets, name, report)
    if not isinstance(file.value, dict):
        raise ImporterError(f"{name} holds no settings")
    report.files.append(file)
    return Section(file.value, report, file=file)
