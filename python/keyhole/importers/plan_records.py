"""Plans local records: one document per name, without contradictions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from keyhole.importers.document import Document
from keyhole.importers.names import DocumentNames
from keyhole.importers.product_settings import LocalRecord
from keyhole.importers.report import Kind, Report

_MAX_VALUES = {"a": 64, "aaaa": 64, "txt": 32, "cname": 1, "ptr": 1}
_MAX_TEXT = 4096  # octets
_MAX_CHAIN = 100
"""Aliases that lead to one another; no client follows so many."""


@dataclass
class _Node:
    ttl: int | None = None
    values: dict[str, list[str]] = field(default_factory=dict)
    origins: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)


def record_documents(
    records: Iterable[LocalRecord], names: DocumentNames, report: Report
) -> list[Document]:
    """A document for each name; a record that contradicts an earlier one is reported and left."""
    by_name: dict[str, _Node] = {}
    aliases: dict[str, str] = {}
    for record in records:
        node = by_name.setdefault(record.name, _Node(record.ttl))
        why = _contradiction(record, node, aliases)
        if record.title and why:
            report.left(Kind.RECORD, record.title, why)
        elif record.title:
            report.add(Kind.RECORD, record.title, record.changes)
        if why is not None:
            continue
        if record.kind == "cname":
            aliases[record.name] = record.value
        node.values.setdefault(record.kind, []).append(record.value)
        node.titles += [record.title] if record.title else []
        if record.origin not in node.origins:
            node.origins.append(record.origin)
    return [_document(name, node, names) for name, node in by_name.items() if node.values]


def _contradiction(record: LocalRecord, node: _Node, aliases: dict[str, str]) -> str | None:
    """Why a record cannot be added; empty for a duplicate, none where it can be."""
    same = node.values.get(record.kind, [])
    if record.value in same:
        return ""
    if record.kind in ("cname", "ptr") and same:
        return f"the name points to {same[0]} already"
    if node.values and "cname" in (record.kind, *node.values):
        return "an alias cannot have other records beside it (RFC 1034 section 3.6.2); keep one"
    if len(same) >= _MAX_VALUES[record.kind]:
        return f"the name has {_MAX_VALUES[record.kind]} such records already, the maximum"
    if record.kind == "txt" and len(record.value.encode()) > _MAX_TEXT:
        return f"a TXT record holds at most {_MAX_TEXT} octets"
    if record.kind == "cname":
        target: str | None = record.value
        visited = {record.name}
        while target is not None and target not in visited and len(visited) <= _MAX_CHAIN:
            visited.add(target)
            target = aliases.get(target)
        if target is not None:
            is_loop = target in visited
            return "the aliases form a loop" if is_loop else "the aliases form too long a chain"
    return None


def _document(name: str, node: _Node, names: DocumentNames) -> Document:
    spec: dict[str, Any] = {"name": name}
    if node.ttl is not None:
        spec["ttl"] = node.ttl
    for kind, values in node.values.items():
        spec[kind] = values[0] if kind in ("cname", "ptr") else values
    origins = [origin for origin in node.origins if origin]
    comments = [f"From {', '.join(origins[:3])}."] if origins else []
    title = name.replace("*", "all")
    return Document(
        "Record", names.assign("Record", title, "record"), spec, comments, tuple(node.titles)
    )
