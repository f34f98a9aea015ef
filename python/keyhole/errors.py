"""All errors of Keyhole, as one tree.

::

    KeyholeError
    ├── DocumentErrors  all errors in files that a user wrote
    ├── ListError       list files cannot be compiled, or the last good lists not stored
    └── one for each package, beside what raises it: ControlError, IdentityError, DnsClientError ...

Messages start in lower case, end without a period, name the likely mistake, and say what would be
right.
"""

from collections.abc import Iterable
from dataclasses import dataclass


class KeyholeError(Exception):
    """The root of all errors that Keyhole raises itself."""


@dataclass(frozen=True, order=True)
class Problem:
    """One error, or one advice, in a file that a user wrote."""

    file: str
    """The file as the user named it; empty without a file."""
    line: int
    """The line, from 1; 0 without a line."""
    document: str
    """Kind and name, such as ``Policy/base``; empty for ``keyhole.yaml``."""
    path: str
    """The path in the document, such as ``spec.rules[2].types``; may be empty."""
    why: str
    """What is wrong and what would be right."""
    is_advice: bool = False
    """Whether it is only advice: the documents are valid."""
    is_shared: bool = False
    """Whether all documents together are too much: the one that is named need not be the cause."""

    @property
    def place(self) -> str:
        """The position as text: ``policy.yaml:12 Policy/base spec.rules[2]``."""
        spot = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return " ".join(part for part in (spot, self.document, self.path) if part)

    def __str__(self) -> str:
        return f"{self.place}: {self.why}" if self.place else self.why


class DocumentErrors(KeyholeError):  # noqa: N818  (it holds many errors)
    """All errors in a set of files, in the order of files and lines.

    It also holds the advice, so that one report shows all.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        wrong = [problem for problem in self.problems if not problem.is_advice]
        super().__init__("\n".join(str(problem) for problem in wrong))


class ListError(KeyholeError):
    """List files cannot be compiled, or the last good lists cannot be stored."""


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any problem is an error, not only advice."""
    return any(not problem.is_advice for problem in problems)
