"""What the core's list compiler is asked, and what it reports (``crates/lists``)."""

from typing import Final, Literal, Protocol

from keyhole.model.list import Format
from keyhole.model.written import Boundary

VERSION: Final = 1


class Compile(Protocol):
    """The core's compiler: JSON request in, JSON report out; the file is written on the way."""

    def __call__(self, request: bytes, /) -> bytes: ...


class FileRequest(Boundary):
    """One file of a list, and how it is written."""

    path: str
    format: Format


class ListRequest(Boundary):
    """One list; its place in the request is its id."""

    name: str
    kind: Literal["block", "allow"]
    files: list[FileRequest]


class CompileRequest(Boundary):
    """All lists that go into one compiled file."""

    version: Literal[1] = VERSION
    output: str
    protected: list[str]
    """Names that no block list may block, because they serve Keyhole itself."""
    lists: list[ListRequest]

    def to_json(self) -> bytes:
        """The request as the core reads it."""
        return self.model_dump_json().encode()


class Example(Boundary):
    """One line that was left out."""

    file: str
    line: int
    text: str
    reason: str


class Skipped(Boundary):
    """Lines that were left out: how many, how many for each reason, and the first ones."""

    count: int
    by_reason: dict[str, int]
    examples: list[Example]


class FileReport(Boundary):
    """One file as it was read."""

    path: str
    format: str
    lines: int


class ListReport(Boundary):
    """What became of the lines of one list."""

    name: str
    taken: int
    duplicates: int
    skipped: Skipped
    files: list[FileReport]


class CompileReport(Boundary):
    """What became of all lists."""

    version: Literal[1]
    sha256: str
    octets: int
    names: int
    lists: list[ListReport]

    @classmethod
    def read(cls, report: bytes) -> "CompileReport":
        """Reads the report of the core."""
        return cls.model_validate_json(report)
