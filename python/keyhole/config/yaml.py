"""Reads YAML 1.2 into source trees.

Only keys, lists and texts count: a plain ``21:00``, ``no`` or ``1.10`` is text, and its field
decides what it means. Duplicate keys, tags and keys that are not text are errors.
"""

from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from keyhole.config.source_tree import Items, Mapping, MappingEntry, Node, Scalar
from keyhole.errors import Problem

MAX_NODES = 200_000
MAX_DEPTH = 32

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + word for word in ("str", "int", "float", "timestamp", "merge", "value")}
_HINTS = {
    "found character '\\t' that cannot start any token": "a tab stands where spaces are wanted; "
    "YAML is indented with spaces",
    "mapping values are not allowed": "a key stands where none can be; check the indentation, and "
    "put a text with a colon and a space in quotes",
    "found undefined alias": "a text that begins with * needs quotes, as in '*.example.org'",
    "found character '@'": "a text that begins with @ needs quotes",
    "found character '`'": "a text that begins with ` needs quotes",
    "found character '%'": "a text that begins with % needs quotes",
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
}


def read_yaml(text: str, file: str) -> tuple[list[Node], list[Problem]]:
    """The documents of a file, and all problems of their form.

    After a syntax error nothing more is read; the documents before it are returned.
    """
    reader = _Reader(file)
    nodes: list[Node] = []
    try:
        for composed in _compose(text):
            node = reader.build(composed, 0)
            if node is not None:
                nodes.append(node)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        why = f"the character U+{int(error.character):04X} is not allowed in YAML; take it out"
        reader.complain(line, why)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.complain(mark.line + 1 if mark else 1, _explain(error))
    except YAMLError as error:
        reader.complain(1, f"not YAML: {str(error).splitlines()[0]}")
    except (RecursionError, _TooLarge):
        reader.complain(
            1,
            f"nested deeper than {MAX_DEPTH} levels or more than {MAX_NODES} values; "
            "no document needs that",
        )
    return nodes, reader.problems


class _TooLarge(Exception):  # noqa: N818  (caught in this module)
    pass


def _compose(text: str) -> Iterator[Any]:
    yaml: Any = YAML(typ="safe", pure=True)
    yield from yaml.compose_all(text)


def _explain(error: MarkedYAMLError) -> str:
    message = f"{error.problem or ''} {error.context or ''}".strip()
    for found, hint in _HINTS.items():
        if found in message:
            return hint
    return f"not YAML: {message}"


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._nodes = 0
        self.problems: list[Problem] = []

    def complain(self, line: int, why: str) -> None:
        self.problems.append(Problem(self._file, line, "", "", why))

    def build(self, node: Any, depth: int) -> Node | None:
        """The tree of a composed node; none for an empty value."""
        self._nodes += 1
        # Aliases are expanded here, so this also stops a file that grows by them.
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _TooLarge
        line = node.start_mark.line + 1
        if isinstance(node, SequenceNode):
            built = (self.build(item, depth + 1) for item in node.value)
            return Items(line, tuple(item or Scalar(line, None) for item in built))
        if isinstance(node, MappingNode):
            return self._mapping(node, line, depth)
        return self._scalar(node, line)

    def _mapping(self, node: Any, line: int, depth: int) -> Mapping:
        entries: dict[str, MappingEntry] = {}
        seen: dict[str, int] = {}
        for key, value in node.value:
            key_line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                self.complain(key_line, "a key is a list or a mapping; a text is wanted")
                continue
            name = str(key.value)
            if name in seen:
                self.complain(key_line, f"the key {name} appears twice, first in line {seen[name]}")
                continue
            seen[name] = key_line
            built = self.build(value, depth + 1)
            if built is not None:
                entries[name] = MappingEntry(key_line, built)
        return Mapping(line, entries)

    def _scalar(self, node: Any, line: int) -> Scalar | None:
        if node.tag == _TAG + "null":
            return Scalar(line, None) if node.value else None
        if node.tag == _TAG + "bool":
            return Scalar(line, node.value.lower() in ("true", "yes", "on", "y"))
        if node.tag not in _PLAIN_TAGS:
            self.complain(line, f"the tag {node.tag} means nothing here; leave it out")
        return Scalar(line, str(node.value))
