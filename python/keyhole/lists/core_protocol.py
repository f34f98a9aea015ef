"""Request and report of the core's list compiler (``crates/lists``)."""

from typing import Final, Literal, Protocol

from keyhole.model.field_types import Boundary
from keyhole.model.list import Format

VERSION: Final = 1


class Compile(Protocol):
    """The core's compiler: takes a JSON request, writes the file, returns a JSON report."""

    def __call__(self, request: bytes, /) -> bytes: ...


class FileRequest(Boundary):
    """A file of a list, and its format."""

    path: str
    format: Format


class ListRequest(Boundary):
    """A list; its index in the request is its id."""

    name: str
    kind: Literal["block", "allow"]
    files: list[FileRequest]


class CompileRequest(Boundary):
    """All lists for one compiled file."""

    version: Literal[1] = VERSION
    output: str
    protected: list[str]
    """Names that block lists may not block, because Keyhole itself needs them."""
    lists: list[ListRequest]

    def to_json(self) -> bytes:
        """The request for the core."""
        return self.model_dump_json().encode()


class Example(Boundary):
    """A skipped line."""

    file: str
    line: int
    text: str
    reason: str


class Skipped(Boundary):
    """Skipped lines: their number, their number by reason, and the first ones."""

    count: int
    by_reason: dict[str, int]
    examples: list[Example]


class FileReport(Boundary):
    """A file that was read."""

    path: str
    format: str
    lines: int


class ListReport(Boundary):
    """Counts of a list's lines."""

    name: str
    taken: int
    duplicates: int
    spared: int = 0
    """Entries that spare a name which serves Keyhole itself, and that name alone."""
    skipped: Skipped
    files: list[FileReport]


class CompileReport(Boundary):
    """Counts of all lists."""

    version: Literal[1]
    sha256: str
    octets: int
    names: int
    lists: list[ListReport]

    @classmethod
    def read(cls, report: bytes) -> "CompileReport":
        """Parses the core's report."""
        return cls.model_validate_json(report)
