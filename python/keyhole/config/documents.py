"""Reads documents: from files to typed documents with their places."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from keyhole.config.declaration import Declaration, Documents, Heading, refused_files
from keyhole.config.files import (
    BESIDE,
    COPY,
    Source,
    copies,
    read_copies,
    read_text,
    sources,
)
from keyhole.config.parsed import Kept, ParsedDocument
from keyhole.config.source_tree import Mapping, Node, locate, text_at
from keyhole.config.validate import validate
from keyhole.config.yaml import read_yaml
from keyhole.config.yaml_stream import split_stream
from keyhole.errors import Problem, has_errors
from keyhole.model.document import API_VERSION, KINDS, document_model
from keyhole.model.document_file import files_of
from keyhole.model.suggestion import suggest

_PARSED: Kept[ParsedDocument] = Kept()
_FILES: "Kept[FileContent]" = Kept()


def read_documents(paths: Iterable[Path]) -> tuple[Documents, list[Problem]]:
    """Reads files and folders, each file once; returns the valid documents and all problems."""
    declared: list[Declaration[Any]] = []
    headings: list[Heading] = []
    invalid: list[str | None] = []
    problems: list[Problem] = []
    read: set[FileId] = set()
    for path in paths:
        for one in _contents(path, read):
            declared += one.declared
            headings += one.headings
            invalid += one.invalid_texts
            problems += one.problems
    return _assemble(declared, headings, invalid), problems


FileId = tuple[int, int] | Path
"""Device and inode, or the path of a file that cannot be looked at."""


def _contents(path: Path, read: set[FileId]) -> Iterator["FileContent"]:
    """The files below a path, without those in ``read``, to which it adds the others."""
    try:
        copied = read_copies(path)
    except (OSError, ValueError) as error:
        why = f"the copy of the stored documents cannot be read: {error}"
        yield _unreadable([Problem(str(path / COPY), 0, "", "", why)])
        return
    if copied is not None:
        yield _read_copies(path, copied)
        return
    found, wrong = sources(path)
    yield _unreadable(wrong)
    for source in found:
        # A file may be given by itself and in its folder, by a link of any kind, or by a way with
        # `..`.
        file = _file_id(source.path)
        if file not in read:
            read.add(file)
            yield read_source(source)


def _file_id(path: Path) -> FileId:
    try:
        status = path.stat()
    except OSError:
        return path.resolve()
    return status.st_dev, status.st_ino


def _read_copies(folder: Path, text: str) -> "FileContent":
    base = (folder / BESIDE).resolve()

    def read() -> FileContent:
        content = FileContent()
        try:
            found = copies(text)
        except (ValueError, TypeError):
            why = "the copy of the stored documents is damaged; it is made again at the next start"
            content.problems.append(Problem(str(folder / COPY), 0, "", "", why))
            content.is_fixed = False
            content.invalid_texts.append(None)
            found = []
        for name, one in found:
            content.add(_read_copy(one, name, base))
        return content

    # Not by the folder: a draft becomes the copy in force under another name.
    return _kept(text, read, base)


def _read_copy(text: str, name: str, base: Path) -> "FileContent":
    def read() -> FileContent:
        return _read(text, Source(Path(name), name, base, is_confined=True))

    return _kept(text, read, name, base)


def _kept(text: str, read: Callable[[], "FileContent"], *besides: Hashable) -> "FileContent":
    """What ``read`` gives, which is kept where it depends on the text and ``besides`` alone."""
    made: list[FileContent] = []

    def read_fixed() -> FileContent | None:
        made.append(read())
        return made[0] if made[0].is_fixed else None

    return _FILES.get(text, read_fixed, *besides) or made[0]


def read_text_documents(
    text: str, name: str, folder: Path, *, is_confined: bool = False, first_line: int = 1
) -> tuple[Documents, list[Problem]]:
    """Reads documents from a text as if it were the file ``name`` in ``folder``.

    ``is_confined`` is for a text that arrives by API: it may name only files below the folder.
    ``first_line`` is where the text begins in the file.
    """
    one = _read(text, Source(folder / name, name, folder, is_confined=is_confined), first_line)
    return _assemble(one.declared, one.headings, one.invalid_texts), one.problems


@dataclass
class FileContent:
    """The documents and the problems of one file; nobody changes it once it is read."""

    declared: list[Declaration[Any]] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    invalid_texts: list[str | None] = field(default_factory=list)
    """The texts of the documents that are not valid; ``None`` where there is none to read."""
    is_fixed: bool = True
    """Whether it depends on its text and name alone, and on no other file."""

    def add(self, other: "FileContent") -> None:
        """Adds what another file holds."""
        self.declared += other.declared
        self.headings += other.headings
        self.problems += other.problems
        self.invalid_texts += other.invalid_texts
        self.is_fixed = self.is_fixed and other.is_fixed


def _unreadable(problems: list[Problem]) -> FileContent:
    """A file of which nothing is known, if there is an error among its problems."""
    return FileContent(problems=problems, invalid_texts=[None] if has_errors(problems) else [])


def read_source(source: Source) -> FileContent:
    """Reads one file."""
    text, problems = read_text(source)
    if problems:
        return _unreadable(problems)
    besides = (source.name, source.folder, source.is_confined)
    return _kept(text, lambda: _read(text, source), *besides)


def _read(text: str, source: Source, first_line: int = 1) -> FileContent:
    content = FileContent()
    is_empty = True
    for part in split_stream(text):
        is_empty = False
        offset = part.line + first_line - 2
        known = _PARSED.get(part.text, partial(parse_valid, part.text))
        if known is None:
            content.is_fixed = False
            content.invalid_texts.append(part.text)
            _read_invalid(part.text, source, offset + 1, content)
        else:
            _take(known, source, offset, content)
    if is_empty and not content.problems:
        why = "the file holds no document; write one, or delete the file"
        content.problems.append(Problem(source.name, 0, "", "", why, is_advice=True))
    return content


def parse_valid(text: str) -> ParsedDocument | None:
    """Parses and validates the text of one document; none if anything is wrong with it."""
    nodes, problems = read_yaml(text, "")
    if problems or len(nodes) != 1 or any(_frame_problems(nodes[0], "")):
        return None
    node = nodes[0]
    kind, name = text_at(node, "kind") or "", text_at(node, "metadata", "name") or ""
    value, _ = validate(document_model(kind), node, "")
    if value is None:
        return None
    spec = cast(Any, value).spec
    return ParsedDocument(kind, name, spec, node, any(True for _ in files_of(spec)))


def _take(known: ParsedDocument, source: Source, offset: int, content: FileContent) -> None:
    """Adds a valid document at its place in a file."""
    heading = Heading(known.kind, known.name, source.name, known.node.line + offset)
    content.headings.append(heading)
    declared = Declaration(
        known.kind, known.name, known.spec, source, known.node, offset, known.names_files
    )
    # The files may have changed, though the document has not.
    content.is_fixed = content.is_fixed and not known.names_files
    outside = list(refused_files(declared)) if known.names_files else []
    content.problems += outside
    if not outside:
        content.declared.append(declared)


def _read_invalid(text: str, source: Source, first_line: int, content: FileContent) -> None:
    """Adds the problems of a document, each at its place in the file."""
    nodes, problems = read_yaml(text, source.name, first_line)
    content.problems += problems
    for node in nodes:
        _read_document(node, source, content)


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


def _assemble(
    declared: Sequence[Declaration[Any]],
    headings: Sequence[Heading],
    invalid: Sequence[str | None],
) -> Documents:
    def of(kind: str) -> tuple[Declaration[Any], ...]:
        return tuple(one for one in declared if one.kind == kind)

    return Documents(
        policies=of("Policy"),
        lists=of("List"),
        upstreams=of("Upstream"),
        records=of("Record"),
        clients=of("Client"),
        trust_domains=of("TrustDomain"),
        log_exclusions=of("LogExclusion"),
        headings=tuple(headings),
        invalid_texts=tuple(invalid),
    )
