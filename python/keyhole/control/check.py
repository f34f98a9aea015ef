"""The use case behind ``keyhole check``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.errors import Problem, has_errors
from keyhole.identity import read_tokens
from keyhole.policy import check


@dataclass(frozen=True)
class Report:
    """Errors and advice, in the order of files and lines."""

    problems: list[Problem]

    @property
    def is_valid(self) -> bool:
        """Whether there are no errors; there may be advice."""
        return not has_errors(self.problems)

    @property
    def summary(self) -> str:
        """The number of errors and of pieces of advice."""
        errors = sum(not problem.is_advice for problem in self.problems)
        advice = len(self.problems) - errors
        words = [f"{errors} error{'s' * (errors != 1)}"] if errors else []
        words += [f"{advice} piece{'s' * (advice != 1)} of advice"] if advice else []
        return ", ".join(words) or "nothing to change"


def check_files(files: Sequence[Path]) -> Report:
    """Checks settings and documents, files or folders, as one set.

    For settings in a data folder, tokens are checked against those that exist there. Raises
    ``IdentityError`` if the token file is damaged.
    """
    return Report(check(files, _tokens_beside(files)))


def _tokens_beside(files: Sequence[Path]) -> dict[str, str] | None:
    folders = [DataFolder(file.parent).identity for file in files if file.is_file()]
    existing = [folder for folder in folders if folder.is_dir()]
    return read_tokens(existing[0]) if existing else None
