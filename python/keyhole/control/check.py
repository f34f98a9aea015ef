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
    """Everything that is wrong or unwise, in the order of files and lines."""

    problems: list[Problem]

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong; advice may remain."""
        return not has_errors(self.problems)

    @property
    def summary(self) -> str:
        """How much there is of each."""
        errors = sum(not problem.is_advice for problem in self.problems)
        advice = len(self.problems) - errors
        words = [f"{errors} error{'s' * (errors != 1)}"] if errors else []
        words += [f"{advice} piece{'s' * (advice != 1)} of advice"] if advice else []
        return ", ".join(words) or "nothing to change"


def check_files(files: Sequence[Path]) -> Report:
    """Checks settings and documents, files or folders, as one set.

    Where settings lie in their data folder, the tokens there are those that exist. Raises
    ``IdentityError`` when their file is damaged.
    """
    return Report(check(files, _tokens_beside(files)))


def _tokens_beside(files: Sequence[Path]) -> dict[str, str] | None:
    folders = [DataFolder(file.parent).identity for file in files if file.is_file()]
    existing = [folder for folder in folders if folder.is_dir()]
    return read_tokens(existing[0]) if existing else None
