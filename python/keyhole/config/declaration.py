"""Documents with the place where they are declared."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Generic, TypeVar

from keyhole.config.files import Source
from keyhole.config.source_tree import Location, Node, locate
from keyhole.errors import Problem
from keyhole.model.client import ClientSpec
from keyhole.model.list import ListSpec
from keyhole.model.policy import PolicySpec
from keyhole.model.record import RecordSpec
from keyhole.model.trust_domain import TrustDomainSpec
from keyhole.model.upstream import UpstreamSpec

SpecType = TypeVar(
    "SpecType",
    bound=PolicySpec | ListSpec | UpstreamSpec | RecordSpec | ClientSpec | TrustDomainSpec,
)


@dataclass(frozen=True)
class Declaration(Generic[SpecType]):
    """One document and the place where it is declared."""

    kind: str
    name: str
    spec: SpecType
    source: Source
    node: Node = field(repr=False)

    @property
    def label(self) -> str:
        """Kind and name, such as ``Policy/base``."""
        return f"{self.kind}/{self.name}"

    @property
    def line(self) -> int:
        """The line where the document begins."""
        return self.node.line

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
        return Problem(self.source.name, line, self.label, path, why, is_advice)

    def beside(self, written: str) -> Path:
        """A path as written, relative to the folder of the file that names it."""
        folder = self.source.base or self.source.path.absolute().parent
        return (folder / Path(written).expanduser()).resolve()


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
    headings: tuple[Heading, ...] = ()

    def over(self, base: "Documents") -> "Documents":
        """These documents, and those of ``base`` whose kind and name do not occur here."""
        replaced = {(heading.kind, heading.name) for heading in self.headings}
        parts = {
            part.name: (
                *(one for one in getattr(base, part.name) if (one.kind, one.name) not in replaced),
                *getattr(self, part.name),
            )
            for part in fields(self)
        }
        return Documents(**parts)

    def of_kind(self, kind: str) -> list[Heading]:
        """All documents of a kind, valid or not."""
        return [heading for heading in self.headings if heading.kind == kind]

    def names(self, kind: str) -> list[str]:
        """The names of all documents of a kind, valid or not."""
        return [heading.name for heading in self.of_kind(kind)]
