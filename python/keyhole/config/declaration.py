"""Documents with the place where they are declared."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from keyhole.config.files import Source
from keyhole.config.source_tree import Location, Node, locate
from keyhole.errors import Problem
from keyhole.model.client import ClientSpec
from keyhole.model.document_file import DocumentFile, SecretFile, files_of
from keyhole.model.list import ListSpec
from keyhole.model.log_exclusion import LogExclusionSpec
from keyhole.model.policy import PolicySpec
from keyhole.model.record import RecordSpec
from keyhole.model.trust_domain import TrustDomainSpec
from keyhole.model.upstream import UpstreamSpec
from keyhole.system.regular_file import check_regular

_CONFINED = (
    "a document by command or API names only files below the documents folder; put the file there, "
    "or declare the document in that folder"
)
_NO_KEYS = (
    "a document by command or API names no key file; write clientCertificate: {secret: NAME}, or "
    "declare the document in the documents folder"
)

SpecType = TypeVar(
    "SpecType",
    bound=PolicySpec
    | ListSpec
    | UpstreamSpec
    | RecordSpec
    | ClientSpec
    | TrustDomainSpec
    | LogExclusionSpec,
)


@dataclass(frozen=True)
class Declaration(Generic[SpecType]):
    """One document and the place where it is declared."""

    kind: str
    name: str
    spec: SpecType
    source: Source
    node: Node = field(repr=False)
    offset: int = 0
    """What is added to the lines of ``node``, which are those in the text of the document."""
    names_files: bool = True
    """Whether it may name files."""

    @property
    def label(self) -> str:
        """Kind and name, such as ``Policy/base``."""
        return f"{self.kind}/{self.name}"

    @property
    def line(self) -> int:
        """The line where the document begins."""
        return self.node.line + self.offset

    @property
    def place(self) -> str:
        """Label, file and line, such as ``Policy/base at policy.yaml:7``."""
        return f"{self.label} at {self.source.name}:{self.line}"

    def origin(self, *location: int | str) -> str:
        """The place of a part of the document: ``policy.yaml:12 Policy/base spec.rules[2]``."""
        return self.problem(location, "").place

    def problem(self, location: Location, why: str, *, is_advice: bool = False) -> Problem:
        """A problem at a place in the document."""
        line, path = locate(self.node, location)
        return Problem(self.source.name, line + self.offset, self.label, path, why, is_advice)

    def path_of(self, file: DocumentFile) -> Path:
        """Where a file of this document is, without links; it may be missing.

        Raises ValueError if the document may not name it.
        """
        try:
            path = self._joined(file).resolve()
            folder = self._folder.resolve()
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{file} leads nowhere: {error}") from None
        if self.source.is_confined and not path.is_relative_to(folder):
            raise ValueError(f"{file} is a link out of the documents folder; {_CONFINED}")
        return path

    def watched(self, file: DocumentFile) -> Path:
        """The path to watch for changes of a file; links are not followed."""
        try:
            return self._joined(file)
        except RuntimeError:  # the home folder of nobody
            return self._folder

    def _joined(self, file: DocumentFile) -> Path:
        return self._folder / Path(file).expanduser()

    @property
    def _folder(self) -> Path:
        """The folder to which paths in the document are relative."""
        return self.source.folder


def refused_files(declared: Declaration[Any]) -> Iterator[Problem]:
    """The files that a document may not name because it arrived by API."""
    if not declared.source.is_confined:
        return
    for place, file in files_of(declared.spec):
        if isinstance(file, SecretFile):
            yield declared.problem(["spec", *place], _NO_KEYS)
        elif (why := _why_refused(declared, file)) is not None:
            yield declared.problem(["spec", *place], why)


def _why_refused(declared: Declaration[Any], file: DocumentFile) -> str | None:
    if file.outside is not None:
        return f"{file} {file.outside}; {_CONFINED}"
    try:
        check_regular(declared.path_of(file))
    except FileNotFoundError:
        return None  # whoever needs it says so
    except NotADirectoryError:
        return f"{file} has no place, for the documents stand in one file here; {_CONFINED}"
    except OSError as error:
        return f"{file} cannot be used: {error.strerror}"
    except ValueError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class Heading:
    """Kind and name of a document, valid or not, and where it begins."""

    kind: str
    name: str
    file: str
    line: int

    @property
    def label(self) -> str:
        """Kind and name, such as ``Policy/base``."""
        return f"{self.kind}/{self.name}" if self.name else self.kind

    def problem(self, path: str, why: str) -> Problem:
        """A problem of the document as a whole."""
        return Problem(self.file, self.line, self.label, path, why)


@dataclass(frozen=True)
class Documents:
    """A set of documents, in the order of files and of lines.

    ``headings`` include documents that are not valid, so that a reference to one of them is not
    reported as missing.
    """

    policies: tuple[Declaration[PolicySpec], ...] = ()
    lists: tuple[Declaration[ListSpec], ...] = ()
    upstreams: tuple[Declaration[UpstreamSpec], ...] = ()
    records: tuple[Declaration[RecordSpec], ...] = ()
    clients: tuple[Declaration[ClientSpec], ...] = ()
    trust_domains: tuple[Declaration[TrustDomainSpec], ...] = ()
    log_exclusions: tuple[Declaration[LogExclusionSpec], ...] = ()
    headings: tuple[Heading, ...] = ()
    invalid_texts: tuple[str | None, ...] = ()
    """The texts of documents that are not valid; ``None`` for a file that cannot be read."""

    def over(self, base: "Documents") -> "Documents":
        """These documents, and those of ``base`` whose kind and name do not occur here."""
        replaced = {(heading.kind, heading.name) for heading in self.headings}
        texts = (*base.invalid_texts, *self.invalid_texts)
        parts = {
            part.name: (
                *(one for one in getattr(base, part.name) if (one.kind, one.name) not in replaced),
                *getattr(self, part.name),
            )
            for part in fields(self)
            if part.name != "invalid_texts"
        }
        return Documents(**parts, invalid_texts=texts)

    def watched_files(self) -> Iterator[Path]:
        """Every file that the documents name, for a watch."""
        groups = (self.policies, self.lists, self.upstreams, self.records, self.clients)
        for group in (*groups, self.trust_domains):
            for one in group:
                if one.names_files:
                    yield from (one.watched(file) for _, file in files_of(one.spec))

    def of_kind(self, kind: str) -> list[Heading]:
        """All documents of a kind, valid or not."""
        return [heading for heading in self.headings if heading.kind == kind]

    def names(self, kind: str) -> list[str]:
        """The names of all documents of a kind, valid or not."""
        return [heading.name for heading in self.of_kind(kind)]
