"""Takes out of planned documents what Keyhole refuses, so that the rest can be written.

The importers check what they take. Where a document is refused all the same, the entry that the
problem names goes, or the document; it is reported as left, with that reason.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from keyhole.errors import Problem
from keyhole.importers.document import CommentedValue, Document
from keyhole.importers.report import Kind, Report

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_KINDS = {
    "Client": Kind.CLIENT,
    "List": Kind.LIST,
    "Policy": Kind.RULE,
    "Record": Kind.RECORD,
    "Upstream": Kind.UPSTREAM,
}
_REFERENCES = {"List": "lists", "Upstream": "upstreams"}
"""The key of a policy that names documents of a kind."""


def prune(
    documents: list[Document], problems: Iterable[Problem], report: Report
) -> list[Document] | None:
    """The documents without what the problems name; none where a problem names nothing."""
    pruning = _Pruning({f"{one.kind}/{one.name}": one for one in documents}, report)
    for problem in problems:
        if not pruning.take_out(problem):
            return None
    pruning.finish()
    for one in pruning.dropped:
        _forget(documents, one)
    return [one for one in documents if one not in pruning.dropped]


@dataclass
class _Pruning:
    known: dict[str, Document]
    report: Report
    dropped: list[Document] = field(default_factory=list)
    _entries: list[tuple[Document, list[Any], Any]] = field(default_factory=list)

    def take_out(self, problem: Problem) -> bool:
        """Marks what a problem is about; whether anything is."""
        document = self.known.get(problem.document)
        if document is None:
            return False
        entry = _entry(document, problem.path)
        if entry is not None:
            self._entries.append((document, *entry))
            self._tell(_titles(entry[1]), document, problem.why)
        elif document.kind != "Policy":
            self._drop(document, problem.why)
        return entry is not None or document.kind != "Policy"

    def finish(self) -> None:
        """Removes what is marked, and what is empty then."""
        for document, around, value in self._entries:
            around[:] = [one for one in around if one is not value]
            if not around and not _remove_empty(document.spec, around):
                self._drop(document, "nothing is left of it")

    def _drop(self, document: Document, why: str) -> None:
        if document not in self.dropped:
            self.dropped.append(document)
            self._tell(document.titles, document, why)

    def _tell(self, titles: Iterable[str], document: Document, why: str) -> None:
        kind = _KINDS[document.kind]
        found = [self.report.revise(kind, title, why) for title in dict.fromkeys(titles)]
        if not any(found):
            self.report.left(kind, f"{document.kind} {document.name}", why)


def _entry(document: Document, path: str) -> tuple[list[Any], Any] | None:
    """The innermost list on a path, and its entry there."""
    current: Any = {"spec": document.spec}
    found = None
    for key, index in _STEP.findall(path):
        if index and isinstance(current, list) and int(index) < len(current):
            found = (current, current[int(index)])
            current = found[1]
        elif key and isinstance(current, dict) and key in current:
            current = current[key]
        elif key and isinstance(current, list):
            continue  # a step of the model that the shorter form leaves out
        else:
            break
    return found


def _titles(entry: Any) -> Iterator[str]:
    """The names in the report of all that an entry holds."""
    if isinstance(entry, CommentedValue):
        yield entry.title
    elif isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for value in entry.values():
            for one in value if isinstance(value, list) else ():
                yield from _titles(one)


def _remove_empty(spec: dict[str, Any], empty: list[Any]) -> bool:
    """Removes an empty list from a rule, with the rule. Subjects stay empty: without the key, a
    policy would be for everybody."""
    if spec.get("subjects") is empty:
        return True
    rules = spec.get("rules", [])
    kept = [rule for rule in rules if all(value is not empty for value in rule.values())]
    if len(kept) == len(rules):
        return spec.get("rules") is empty and spec.pop("rules") is not None
    spec["rules"] = kept
    return True


def _forget(documents: Iterable[Document], dropped: Document) -> None:
    """Removes the name of a document from the policies that use it."""
    key = _REFERENCES.get(dropped.kind)
    for one in documents:
        if key and one.kind == "Policy" and key in one.spec:
            used = one.spec[key]
            names = used["names"] if isinstance(used, dict) else used
            names[:] = [name for name in names if name != dropped.name]
            if not names and isinstance(used, list):
                del one.spec[key]
