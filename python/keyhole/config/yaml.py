"""Reads YAML 1.2 into source trees.

Only keys, lists and texts count: a plain ``21:00``, ``no`` or ``1.10`` is text, and its field
decides what it means. Duplicate keys, tags and keys that are not text are errors.

The parser is libyaml's, which gives one event after the other. Values, depth and what aliases add
are counted as the events come, so a hostile text costs no more than its limit.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from keyhole.config.source_tree import Items, Mapping, MappingEntry, Node, Scalar
from keyhole.errors import Problem

MAX_NODES = 200_000
MAX_DEPTH = 32
DEEPER = f"nested deeper than {MAX_DEPTH} levels"
MAX_PROBLEMS = 100
"""Problems after which nothing more is read: nobody reads more, and each costs time and room."""

_HINTS = {
    "found character that cannot start any token": "a character stands where no value can begin: "
    "YAML is indented with spaces, not tabs, and a text that begins with @ or ` or % needs quotes",
    "found a tab character": "a tab stands where spaces are wanted; YAML is indented with spaces",
    "mapping values are not allowed": "a key stands where none can be; check the indentation, and "
    "put a text with a colon and a space in quotes",
    "found unknown escape character": "inside double quotes a backslash is written twice; "
    "inside single quotes it stays as it is",
    "while scanning a quoted scalar": "a quote is opened and not closed",
    "while parsing a block mapping": "the indentation fits no key above; keys of one level begin "
    "in the same column",
    "while parsing a block collection": "the indentation fits no entry above; entries of one list "
    "begin in the same column",
    "while parsing a flow": "a bracket or brace is not closed",
    "while scanning a simple key": "a key lacks its colon",
    "while scanning an alias": "a text that begins with * needs quotes, as in '*.example.org'",
    "while scanning a directive": "a text that begins with % needs quotes",
}
_ALIAS = _HINTS["while scanning an alias"]
REPEATED = "with those that aliases repeat"
"""How a problem ends that a single alias makes, and not the size of the file."""
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_NULL = ("", "~", "null", "Null", "NULL")
"""The words of YAML 1.2.2 section 10.3.2; all other plain words are texts here."""
_TAG = "tag:yaml.org,2002:"
_TAGS = {_TAG + word for word in ("str", "int", "float", "timestamp", "seq", "map", "bool", "null")}


def read_yaml(
    text: str, file: str, first_line: int = 1, max_nodes: int = MAX_NODES
) -> tuple[list[Node], list[Problem]]:
    """The documents of a file, and all problems of their form.

    ``first_line`` is where the text begins in the file, ``max_nodes`` how many values it may have.

    After a syntax error nothing more is read; the documents before it are returned.
    """
    reader = _Reader(file, text, first_line, max_nodes)
    nodes: list[Node] = []
    try:
        nodes.extend(reader.documents())
    except yaml.reader.ReaderError as error:
        line, why = _unreadable(text, error)
        reader.complain(first_line + line, why)
    except yaml.MarkedYAMLError as error:
        is_open_quote = "while scanning a quoted scalar" in (error.context or "")
        mark = (is_open_quote and error.context_mark) or error.problem_mark or error.context_mark
        reader.complain(first_line + (mark.line if mark else 0), _explain(error, text))
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        reader.complain(first_line, f"not YAML: {str(error).splitlines()[0]}")
    except _TooLarge as error:
        reader.complain(reader.line, f"{error}; no document needs that")
    except _TooManyProblems:
        why = f"more than {MAX_PROBLEMS} problems; the rest is not read until they are mended"
        reader.complain(reader.problems[-1].line, why)
    return nodes, reader.problems


class _TooLarge(Exception):  # noqa: N818  (caught in this module)
    pass


class _TooManyProblems(Exception):  # noqa: N818  (caught in this module)
    pass


def _unreadable(text: str, error: Any) -> tuple[int, str]:
    """The line, from 0, of a character that YAML does not allow, and what is wrong with it."""
    before = text.encode()[: error.position].decode(errors="ignore")
    why = f"the character U+{int(error.character):04X} is not allowed in YAML; take it out"
    return before.count("\n"), why


def _explain(error: Any, text: str) -> str:
    message = f"{error.problem or ''} {error.context or ''}".strip()
    if "exceeded maximum nesting depth" in message:
        return f"{DEEPER}; no document needs that"
    mark = error.problem_mark
    if "cannot start any token" in message and mark is not None:
        found = text.removeprefix("\ufeff")[mark.index : mark.index + 1]
        if found == "\t":
            return _HINTS["found a tab character"]
        return f"a text that begins with {found} needs quotes"
    return next((hint for part, hint in _HINTS.items() if part in message), f"not YAML: {message}")


class _Anchored:
    """A value that aliases may repeat; ``node`` is none for an empty one."""

    def __init__(self, node: Node | None, values: int, depth: int) -> None:
        self.node, self.values, self.depth = node, values, depth


class _Reader:
    """Builds source trees from the events of the parser."""

    def __init__(self, file: str, text: str, first_line: int, max_nodes: int) -> None:
        self._max_nodes = max_nodes
        self._file = file
        self._first = first_line
        self._text = text
        self.line = first_line
        """The line of the last value."""
        self._values = 0
        self._deepest = 0
        self._anchors: dict[str, _Anchored | None] = {}
        self._next: Any = None
        self.problems: list[Problem] = []

    def complain(self, line: int, why: str) -> None:
        self.problems.append(Problem(self._file, line, "", "", why))

    def documents(self) -> Iterator[Node]:
        """Each document that is not empty."""
        loader = yaml.CSafeLoader(self._text)
        self._next = loader.get_event
        try:
            while not isinstance(event := self._next(), yaml.StreamEndEvent):
                if isinstance(event, yaml.DocumentStartEvent):
                    self._anchors = {}
                    node = self._value(self._next(), 0)
                    if node is not None:
                        yield node
        finally:
            loader.dispose()

    def _value(self, event: Any, depth: int) -> Node | None:
        """The tree of a value that begins with this event; none for an empty one."""
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(event, depth)
        self.line = event.start_mark.line + self._first
        self._count(1, depth)
        before, deepest = self._values, self._deepest
        self._deepest = depth
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # it may not contain itself
        line = event.start_mark.line + self._first
        self._check_tag(event, line)
        node: Node | None
        if isinstance(event, yaml.SequenceStartEvent):
            node = Items(line, tuple(self._items(depth + 1)))
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(line, depth + 1)
        else:
            node = _scalar(event, line)
        if event.anchor is not None:
            values, height = self._values - before + 1, self._deepest - depth
            self._anchors[event.anchor] = _Anchored(node, values, height)
        self._deepest = max(self._deepest, deepest)
        return node

    def _repeated(self, event: Any, depth: int) -> Node | None:
        line = event.start_mark.line + self._first
        if event.anchor not in self._anchors:
            self.complain(line, _ALIAS)
            return Scalar(line, None)
        found = self._anchors[event.anchor]
        self.line = line
        if found is None:
            raise _TooLarge(f"{DEEPER} (it repeats itself)")
        if self._values + found.values > self._max_nodes:
            raise _TooLarge(f"more than {self._max_nodes} values {REPEATED}")
        self._count(found.values, depth + found.depth)
        self._deepest = max(self._deepest, depth + found.depth)
        return found.node

    def _count(self, values: int, depth: int) -> None:
        self._values += values
        if depth > MAX_DEPTH:
            raise _TooLarge(DEEPER)
        if self._values > self._max_nodes:
            raise _TooLarge(f"more than {self._max_nodes} values")
        if len(self.problems) >= MAX_PROBLEMS:
            raise _TooManyProblems

    def _check_tag(self, event: Any, line: int) -> None:
        if event.tag not in (None, "!") and event.tag not in _TAGS:
            self.complain(line, f"the tag {event.tag[:60]} means nothing here; leave it out")

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            yield self._value(event, depth) or Scalar(event.start_mark.line + self._first, None)

    def _mapping(self, line: int, depth: int) -> Mapping:
        entries: dict[str, MappingEntry] = {}
        seen: dict[str, int] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key_line = event.start_mark.line + self._first
            name = self._key(event, depth)
            built = self._value(self._next(), depth)
            if name is None:
                self.complain(key_line, "a key is a list or a mapping; a text is wanted")
            elif name in seen:
                self.complain(key_line, f"the key {name} appears twice, first in line {seen[name]}")
            else:
                seen[name] = key_line
                if built is not None:
                    entries[name] = MappingEntry(key_line, built)
        return Mapping(line, entries)

    def _key(self, event: Any, depth: int) -> str | None:
        """The text of a key; none where it is no text."""
        node = self._value(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _scalar(event: Any, line: int) -> Scalar | None:
    is_plain, word = event.implicit[0], event.value
    if event.tag == _TAG + "null" or (is_plain and word in _NULL):
        return Scalar(line, None) if word else None
    if (event.tag == _TAG + "bool" or is_plain) and word in (*_TRUE, *_FALSE):
        return Scalar(line, word in _TRUE)
    return Scalar(line, str(word))
