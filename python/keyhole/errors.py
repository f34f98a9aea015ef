"""What can go wrong, as one tree.

::

    KeyholeError
    ├── DocumentErrors          everything wrong in files that a person wrote, at once
    ├── ListError               list files cannot be compiled, or their record cannot be kept
    ├── engine.Refusal          the core refused a document, a socket or a file
    ├── identity.IdentityError  a certificate or key cannot be read, issued or used
    ├── querylog.QueryLogError  there is no query log where one was looked for
    ├── control.ControlError    a use case cannot go on
    ├── importers.ImporterError    a file of another product is not what it should be
    └── verify.error            a question could not be asked, or its answer not be read

The last six are defined beside what raises them. Messages are lowercase, end without a period,
name the likely mistake and say what would be right.
"""

from collections.abc import Iterable
from dataclasses import dataclass


class KeyholeError(Exception):
    """The root: whatever Keyhole raises on purpose."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, or unwise, in a file that a person wrote."""

    file: str
    """The file as it was named; empty where no file is to blame."""
    line: int
    """The line, from 1; 0 where no line is to blame."""
    document: str
    """Kind and name, such as ``Policy/base``; empty for ``keyhole.yaml``."""
    path: str
    """The dotted place in the document, such as ``spec.rules[2].types``; may be empty."""
    why: str
    """What is wrong and what would be right."""
    is_advice: bool = False
    """Whether it only advises: the documents are valid all the same."""

    @property
    def place(self) -> str:
        """Where it is, in one phrase: ``policy.yaml:12 Policy/base spec.rules[2]``."""
        spot = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return " ".join(part for part in (spot, self.document, self.path) if part)

    def __str__(self) -> str:
        return f"{self.place}: {self.why}" if self.place else self.why


class DocumentErrors(KeyholeError):  # noqa: N818  (it holds many errors, and its name says so)
    """Everything that is wrong in a set of files, in the order of files and lines.

    Advice that was found on the way is kept too, so that one report shows all.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        wrong = [problem for problem in self.problems if not problem.is_advice]
        super().__init__("\n".join(str(problem) for problem in wrong))


class ListError(KeyholeError):
    """List files cannot be compiled, or the record of the last good ones cannot be kept."""


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of the problems is more than advice."""
    return any(not problem.is_advice for problem in problems)
