"""Reads documents: from files to typed documents with their places."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from keyhole.config.declaration import Declaration, Documents, Heading, refused_files
from keyhole.config.files import Source, read_text, sources
from keyhole.config.source_tree import Mapping, Node, locate, text_at
from keyhole.config.validate import validate
from keyhole.config.yaml import read_yaml
from keyhole.errors import Problem
from keyhole.model.document import API_VERSION, KINDS, document_model
from keyhole.model.suggestion import suggest


def read_documents(paths: Iterable[Path]) -> tuple[Documents, list[Problem]]:
    """Reads files and folders, each file once; returns the valid documents and all problems."""
    declared: list[Declaration[Any]] = []
    headings: list[Heading] = []
    problems: list[Problem] = []
    read: set[Path] = set()
    for path in paths:
        found, wrong = sources(path)
        problems += wrong
        for source in found:
            # A file may be given by itself and in its folder, by a link, or by a way with `..`.
            place = source.path.resolve()
            if place in read:
                continue
            read.add(place)
            one = read_source(source)
            declared += one.declared
            headings += one.headings
            problems += one.problems
    return _assemble(declared, headings), problems


def read_text_documents(
    text: str, name: str, folder: Path, *, is_confined: bool = False, first_line: int = 1
) -> tuple[Documents, list[Problem]]:
    """Reads documents from a text as if it were the file ``name`` in ``folder``.

    ``is_confined`` is for a text that arrives by API: it may name only files below the folder.
    ``first_line`` is where the text begins in the file.
    """
    one = _read(text, Source(folder / name, name, folder, is_confined=is_confined), first_line)
    return _assemble(one.declared, one.headings), one.problems


@dataclass
class FileContent:
    """The documents and the problems of one file."""

    declared: list[Declaration[Any]] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_source(source: Source) -> FileContent:
    """Reads one file."""
    text, problems = read_text(source)
    return FileContent(problems=problems) if problems else _read(text, source)


def _read(text: str, source: Source, first_line: int = 1) -> FileContent:
    nodes, problems = read_yaml(text, source.name, first_line)
    content = FileContent(problems=problems)
    if not nodes and not problems:
        why = "the file holds no document; write one, or delete the file"
        content.problems.append(Problem(source.name, 0, "", "", why, is_advice=True))
    for node in nodes:
        _read_document(node, source, content)
    return content


def _read_document(node: Node, source: Source, content: FileContent) -> None:
    problems = list(_frame_problems(node, source.name))
    content.problems += problems
    kind, name = text_at(node, "kind"), text_at(node, "metadata", "name") or ""
    if kind not in KINDS:
        return
    heading = Heading(kind, name, source.name, node.line)
    content.headings.append(heading)
    value, wrong = validate(document_model(kind), node, source.name, heading.label)
    reported = {problem.path for problem in problems}
    content.problems += [problem for problem in wrong if problem.path not in reported]
    if value is not None and not problems:
        declared = Declaration(kind, name, cast(Any, value).spec, source, node)
        outside = list(refused_files(declared))
        content.problems += outside
        if not outside:
            content.declared.append(declared)


def _frame_problems(node: Node, file: str) -> Iterator[Problem]:
    """Problems of apiVersion and kind; without them nothing else can be validated."""
    if not isinstance(node, Mapping):
        why = "a document has the keys apiVersion, kind, metadata and spec"
        yield Problem(file, node.line, "", "", why)
        return
    version, kind = text_at(node, "apiVersion"), text_at(node, "kind")
    if kind is None:
        why = f"the key kind is missing; {suggest('', KINDS)}"
        yield Problem(file, node.line, "", "kind", why)
    elif kind not in KINDS:
        why = f"there is no kind {kind}; {suggest(kind, KINDS)}"
        yield Problem(file, locate(node, ["kind"])[0], "", "kind", why)
    if version != API_VERSION:
        line = locate(node, ["apiVersion"])[0]
        state = "is missing" if version is None else f"{version} is not known here"
        why = f"the version {state}; write apiVersion: {API_VERSION}"
        yield Problem(file, line, kind or "", "apiVersion", why)


def _assemble(declared: Sequence[Declaration[Any]], headings: Sequence[Heading]) -> Documents:
    def of(kind: str) -> tuple[Declaration[Any], ...]:
        return tuple(one for one in declared if one.kind == kind)

    return Documents(
        policies=of("Policy"),
        lists=of("List"),
        upstreams=of("Upstream"),
        records=of("Record"),
        clients=of("Client"),
        trust_domains=of("TrustDomain"),
        headings=tuple(headings),
    )
