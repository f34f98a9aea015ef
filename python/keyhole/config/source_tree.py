"""The content of a YAML file, with the line of each value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Location = Sequence[int | str]
"""The path of a value: keys and indices from the top."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, true, false, or nothing (the word ``null``)."""

    line: int
    value: str | bool | None


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class MappingEntry:
    """A key with its line, and the value."""

    line: int
    node: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values; a key without a value is left out."""

    line: int
    entries: dict[str, MappingEntry]


Node = Scalar | Items | Mapping
PlainValue = str | bool | None | list["PlainValue"] | dict[str, "PlainValue"]


def plain(node: Node) -> PlainValue:
    """The values alone."""
    match node:
        case Scalar(_, value):
            return value
        case Items(_, items):
            return [plain(item) for item in items]
        case Mapping(_, entries):
            return {key: plain(entry.node) for key, entry in entries.items()}


def locate(node: Node, location: Location) -> tuple[int, str]:
    """The line and the dotted path of a place.

    Steps of the model that the shorter form of the file leaves out are skipped. For a missing key,
    the line is that of the mapping without it.
    """
    line, path = node.line, ""
    current: Node | None = node
    for step in location:
        if isinstance(step, int):
            if isinstance(current, Items) and step < len(current.items):
                current = current.items[step]
                line, path = current.line, f"{path}[{step}]"
        elif isinstance(current, Mapping) or current is None:
            path = f"{path}.{step}" if path else step
            entry = current.entries.get(step) if current else None
            current = entry.node if entry else None
            line = entry.line if entry else line
    return line, path


def child(node: Node, key: str) -> Node | None:
    """The value of a key; none if the key is missing."""
    if isinstance(node, Mapping) and key in node.entries:
        return node.entries[key].node
    return None


def text_at(node: Node, *keys: str) -> str | None:
    """The text at these keys; none if there is no text."""
    current: Node | None = node
    for key in keys:
        current = child(current, key) if current is not None else None
    return current.value if isinstance(current, Scalar) and isinstance(current.value, str) else None


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    match node:
        case Items(_, items):
            for item in items:
                yield from walk(item)
        case Mapping(_, entries):
            for entry in entries.values():
                yield from walk(entry.node)
