"""YAML files, with the line of each key and entry; merge keys (``<<``) are followed."""

import re
from collections.abc import Iterator
from typing import Any

from keyhole.config.source_tree import Items, Mapping, Node, Scalar
from keyhole.config.yaml import REPEATED, read_yaml
from keyhole.importers.error import ImporterError
from keyhole.importers.lenient import (
    Form,
    UnreadableLineError,
    decode,
    read_around,
    without_control_characters,
)
from keyhole.importers.limits import MAX_NODES, MAX_STRUCTURED
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place, SettingsFile, below

_MERGE = "<<"
_FORM = Form(re.compile(r"\s*(?:- |-$|[^\s#].*?:(?:\s|$))"), re.compile(r"\S"))


def parse_yaml(octets: bytes, name: str, report: Report) -> SettingsFile:
    """Reads the first document of a file; raises `ImporterError` where it holds no settings.

    Scalars but true, false and null stay texts.
    """
    text = without_control_characters(decode(octets, name, report, MAX_STRUCTURED), name, report)
    nodes = read_around(text, name, report, lambda text: _parse(text, name, report), _FORM)
    if not nodes or not isinstance(nodes[0], Mapping):
        raise ImporterError(f"{name} holds no settings")
    for node in nodes[1:]:
        why = "the file holds a second document; only the first one is read"
        report.left(Kind.SETTING, f"line {node.line} of {name}", why, Place(name, "", node.line))
    lines: dict[str, int] = {}
    value = _value(nodes[0], "", lines)
    assert isinstance(value, dict)
    return SettingsFile(name, value, lines)


def _parse(text: str, name: str, report: Report) -> list[Node]:
    nodes, problems = read_yaml(text, name, max_nodes=MAX_NODES)
    if not nodes and problems:
        if "more than" in problems[-1].why and REPEATED not in problems[-1].why:
            raise ImporterError(f"{name} cannot be read: {problems[-1]}")
        raise UnreadableLineError(problems[-1].line, problems[-1].why)
    for problem in problems:
        place = Place(name, "", problem.line)
        report.left(Kind.SETTING, f"line {problem.line} of {name}", problem.why, place)
    return nodes


def _value(node: Node, path: str, lines: dict[str, int]) -> Any:
    lines.setdefault(path, node.line)
    match node:
        case Scalar(_, value):
            return value
        case Items(_, items):
            return [_value(one, f"{path}[{at}]", lines) for at, one in enumerate(items)]
        case Mapping(_, entries):
            merged = [*_merged(node)]
            found: dict[str, Any] = {}
            for key, entry in entries.items():
                if key != _MERGE or not merged:
                    lines[below(path, key)] = entry.line
                    found[key] = _value(entry.node, below(path, key), lines)
            for key, entry in ((k, e) for one in merged for k, e in one.entries.items()):
                if key not in found:
                    lines[below(path, key)] = entry.line
                    found[key] = _value(entry.node, below(path, key), lines)
            return found


def _merged(node: Mapping) -> Iterator[Mapping]:
    """The mappings that a merge key adds, the ones that win first, with what they merge."""
    entry = node.entries.get(_MERGE)
    if entry is None:
        return
    some = entry.node.items if isinstance(entry.node, Items) else (entry.node,)
    if all(isinstance(one, Mapping) for one in some):
        for one in some:
            assert isinstance(one, Mapping)
            yield one
            yield from _merged(one)
