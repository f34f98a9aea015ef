"""Adds a name to a list in the text of a document, or takes one out, and leaves all else as it is.

Comments, order and spelling are the person's. Each edit is read again and compared, so that a text
of an unusual form is refused and never spoiled.
"""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from keyhole.config.source_tree import Items, Mapping, Scalar, plain
from keyhole.config.yaml import read_yaml

_RESERVED = ("true", "false", "null", "~")


class EditError(ValueError):
    """The text has a form in which the list cannot be edited safely."""


def with_name(text: str, keys: Sequence[str], name: str) -> str:
    """The text of a document whose list at ``keys`` has one more name, the last one.

    The mapping above the last key must be there. Raises `EditError`.
    """
    found = _find(text, keys)
    if isinstance(found, _Missing):
        edited = _insert_key(text, found, keys[-1], name)
    else:
        edited = _append(text, found, name)
    return _checked(text, edited, keys, [*_names(text, keys), name])


def without_name(text: str, keys: Sequence[str], name: str) -> str:
    """The text of a document whose list at ``keys`` does not have the name. Raises `EditError`."""
    found, before = _find(text, keys), _names(text, keys)
    if isinstance(found, _Missing) or name not in before:
        raise EditError(f"{'.'.join(keys)} does not name {name}")
    edited = _remove(text, found, before.index(name))
    return _checked(text, edited, keys, [one for one in before if one != name])


def has_keys(text: str, keys: Sequence[str]) -> bool:
    """Whether the value at ``keys`` is a mapping. Raises `EditError`."""
    value: Any = _value(text)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return isinstance(value, dict)


class _Missing:
    """The mapping that lacks the last key."""

    def __init__(self, parent: yaml.MappingNode) -> None:
        self.parent = parent


def _find(text: str, keys: Sequence[str]) -> "yaml.Node | _Missing":
    try:
        node: Any = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise EditError(f"not YAML: {error}") from None
    for depth, key in enumerate(keys):
        if not isinstance(node, yaml.MappingNode):
            raise EditError(f"{'.'.join(keys[:depth])} has no keys")
        value = next((value for name, value in node.value if name.value == key), None)
        if value is None:
            if depth < len(keys) - 1:
                raise EditError(f"{'.'.join(keys[: depth + 1])} is missing")
            return _Missing(node)
        node = value
    found: yaml.Node = node
    return found


def _insert_key(text: str, missing: _Missing, key: str, name: str) -> str:
    """Puts the key first: what follows the last one may be a comment about something else."""
    parent = missing.parent
    if parent.flow_style:
        at, rest = parent.start_mark.index + 1, ", " if parent.value else ""
        return f"{text[:at]}{json.dumps(key)}: [{json.dumps(name)}]{rest}{text[at:]}"
    first = parent.value[0][0].start_mark
    line = f"{key}: [{_word(name)}]\n{' ' * first.column}"
    return text[: first.index] + line + text[first.index :]


def _append(text: str, found: yaml.Node, name: str) -> str:
    start, end = found.start_mark.index, found.end_mark.index
    if isinstance(found, yaml.ScalarNode):
        before = text[start:end]
        is_empty = found.tag.endswith(":null")
        return (
            f"{text[:start]} [{_word(name)}]{text[end:]}"
            if is_empty
            else (f"{text[:start]}[{before}, {_word(name)}]{text[end:]}")
        )
    if not isinstance(found, yaml.SequenceNode):
        raise EditError("it is no list")
    if found.flow_style:
        at = found.value[-1].end_mark.index if found.value else start + 1
        word = json.dumps(name) if text.lstrip().startswith("{") else _word(name)
        return f"{text[:at]}{', ' if found.value else ''}{word}{text[at:]}"
    last = found.value[-1]
    at = last.end_mark.index
    indent = " " * found.start_mark.column
    return f"{text[:at]}\n{indent}- {_word(name)}{text[at:]}"


def _remove(text: str, found: yaml.Node, index: int) -> str:
    start, end = found.start_mark.index, found.end_mark.index
    if isinstance(found, yaml.ScalarNode):
        return f"{text[:start]}[]{text[end:]}"
    if not isinstance(found, yaml.SequenceNode):
        raise EditError("it is no list")
    items = found.value
    item = items[index]
    if not found.flow_style:
        if len(items) == 1:
            return f"{text[:start]}[]{text[item.end_mark.index :]}"
        # Its line, from the dash on: a comment beside it goes with it.
        dash = text.rindex("-", 0, item.start_mark.index)
        line = text.rfind("\n", 0, dash) + 1
        after = text.find("\n", item.end_mark.index) + 1 or len(text)
        first = start if index == 0 else line
        return text[:first] + (text[after:].lstrip(" ") if index == 0 else text[after:])
    if index + 1 < len(items):
        return text[: item.start_mark.index] + text[items[index + 1].start_mark.index :]
    begin = items[index - 1].end_mark.index if index else item.start_mark.index
    return text[:begin] + text[item.end_mark.index :]


def _word(name: str) -> str:
    return json.dumps(name) if name.lower() in _RESERVED else name


def _names(text: str, keys: Sequence[str]) -> list[str]:
    value: Any = _value(text)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _value(text: str) -> Any:
    nodes, problems = read_yaml(text, "")
    if problems or len(nodes) != 1 or not isinstance(nodes[0], Mapping | Items | Scalar):
        raise EditError("it is no document by itself")
    return plain(nodes[0])


def _checked(before: str, after: str, keys: Sequence[str], names: list[str]) -> str:
    """The edited text, if it says what was said before in all but these names."""
    wanted = _value(before)
    parent = wanted
    for key in keys[:-1]:
        parent = parent[key]
    parent[keys[-1]] = names
    if _value(after) != wanted:
        raise EditError("its form is too unusual to be changed by a command")
    return after
