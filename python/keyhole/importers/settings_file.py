"""A settings file with keys: where each of them stands, and which of them were read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where an item stands in the input."""

    file: str
    path: str = ""
    """Such as ``dns.upstreams[2]``; empty in files without keys."""
    line: int = 0
    """From 1; 0 where the format has no lines."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass
class SettingsFile:
    """The values of a file, and what became of them.

    A *leaf* is a value without keys or entries of its own: a scalar, or an empty list.
    """

    name: str
    value: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    """The line of each path, from 1."""
    _read: set[str] = field(default_factory=set)

    def place(self, path: str) -> Place:
        """The place of a path; its line is that of the closest key around it."""
        at = path
        while at and at not in self.lines:
            at = above(at)
        return Place(self.name, path, self.lines.get(at, 0))

    def mark(self, path: str, value: Any) -> None:
        """Remembers that all leaves of a value were read."""
        self._read.update(leaves(value, path))

    def leaves(self) -> Iterator[tuple[str, bool]]:
        """Each leaf, and whether it was read."""
        for path in leaves(self.value):
            yield path, path in self._read


def below(path: str, key: str) -> str:
    """The path of a key in a mapping."""
    return f"{path}.{key}" if path else key


def above(path: str) -> str:
    """The path of the list or mapping around a path."""
    if path.endswith("]"):
        return path.rpartition("[")[0]
    return path.rpartition(".")[0]


def _is_comment(value: Any) -> bool:
    """Whether an entry of a list is a comment, as in lists of rules and of upstreams."""
    return isinstance(value, str) and value.strip()[:1] in ("", "#", "!")


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """The path of each leaf of a value."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from leaves(one, below(path, key))
    elif isinstance(value, list) and value:
        for index, one in enumerate(value):
            if not _is_comment(one):
                yield from leaves(one, f"{path}[{index}]")
    else:
        yield path
