"""The clauses of Unbound's settings: ``section:`` begins one, ``key: value`` stands in it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from keyhole.importers.config_files import Line
from keyhole.importers.settings_file import Place
from keyhole.importers.unbound.left import SECTIONS

_TOKEN = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s#\"']\S*))")


@dataclass(frozen=True)
class Setting:
    """One key with its value."""

    section: str
    key: str
    value: str
    place: Place

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.key}: {self.value}".rstrip()


@dataclass
class Clause:
    """A section, as often as it stands in the files."""

    section: str
    settings: list[Setting] = field(default_factory=list)

    def all(self, key: str) -> list[Setting]:
        """All of a key, in their order."""
        return [one for one in self.settings if one.key == key]

    def value(self, key: str) -> str:
        """The last value of a key; empty if it has none."""
        return ([""] + [one.value for one in self.all(key)])[-1]


def read_clauses(name: str, lines: Iterable[Line]) -> Iterator[Clause]:
    """The clauses of a file. What stands before the first one is in ``server``, as in a file that
    is included."""
    clause = Clause("server")
    for number, line in lines:
        words = _words(line)
        if not words:
            continue
        key = words[0].removesuffix(":")
        if len(words) == 1 and (key in SECTIONS or key == "server"):
            yield clause
            clause = Clause(key)
            continue
        place = Place(name, f"{clause.section}.{key}", number)
        clause.settings.append(Setting(clause.section, key, " ".join(words[1:]), place))
    yield clause


def _words(line: str) -> list[str]:
    """The words of a line up to ``#``; a quoted one is whole."""
    found: list[str] = []
    at = 0
    while match := _TOKEN.match(line, at):
        found.append(next(one for one in match.groups() if one is not None))
        at = match.end()
    if found and ":" in found[0] and not found[0].endswith(":"):  # key:value
        key, _, value = found[0].partition(":")
        found[:1] = [f"{key}:", value]
    return found
