"""Local records in the form of documents: one for each name, without contradictions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from keyhole.importers.common_settings import LocalRecord
from keyhole.importers.document import Document
from keyhole.importers.names import Names
from keyhole.importers.report import Kind, Report

_MOST_VALUES = {"a": 64, "aaaa": 64, "txt": 32, "cname": 1, "ptr": 1}
_LONGEST_TEXT = 4096  # octets


@dataclass
class _Name:
    ttl: int | None = None
    values: dict[str, list[str]] = field(default_factory=dict)
    origins: list[str] = field(default_factory=list)


def record_documents(
    records: Iterable[LocalRecord], names: Names, report: Report
) -> list[Document]:
    """A document for each name; what contradicts something before it is left and reported."""
    by_name: dict[str, _Name] = {}
    aliases: dict[str, str] = {}
    for record in records:
        said = by_name.setdefault(record.name, _Name(record.ttl))
        why = _contradiction(record, said, aliases)
        if record.title and why:
            report.left(Kind.RECORD, record.title, why)
        elif record.title:
            report.add(Kind.RECORD, record.title, record.changes)
        if why is not None:
            continue
        if record.kind == "cname":
            aliases[record.name] = record.value
        said.values.setdefault(record.kind, []).append(record.value)
        if record.origin not in said.origins:
            said.origins.append(record.origin)
    return [_document(name, said, names) for name, said in by_name.items() if said.values]


def _contradiction(record: LocalRecord, said: _Name, aliases: dict[str, str]) -> str | None:
    """Why a record cannot be there; empty where it says what was said before, none where it can."""
    same = said.values.get(record.kind, [])
    if record.value in same:
        return ""
    if record.kind in ("cname", "ptr") and same:
        return f"the name points to {same[0]} already"
    if said.values and "cname" in (record.kind, *said.values):
        return "an alias goes beside no other record (RFC 1034); keep one of them"
    if len(same) >= _MOST_VALUES[record.kind]:
        return f"the name has {_MOST_VALUES[record.kind]} such records already"
    if record.kind == "txt" and len(record.value.encode()) > _LONGEST_TEXT:
        return f"one TXT record holds {_LONGEST_TEXT} octets here"
    if record.kind == "cname":
        target: str | None = record.value
        way = {record.name}
        while target is not None and target not in way:
            way.add(target)
            target = aliases.get(target)
        if target is not None:
            return "the aliases go in a circle"
    return None


def _document(name: str, said: _Name, names: Names) -> Document:
    spec: dict[str, Any] = {"name": name}
    if said.ttl is not None:
        spec["ttl"] = said.ttl
    for kind, values in said.values.items():
        spec[kind] = values[0] if kind in ("cname", "ptr") else values
    origins = [origin for origin in said.origins if origin]
    notes = [f"From {', '.join(origins[:3])}."] if origins else []
    title = name.replace("*", "all")
    return Document("Record", names.give("Record", title, "record"), spec, notes)
