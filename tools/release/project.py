"""What is released: name, version, the tracked files, and the time that they all get."""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EPOCH = "SOURCE_DATE_EPOCH"
"""https://reproducible-builds.org/specs/source-date-epoch/"""


class ReleaseError(Exception):
    """Why nothing can be released, and what to do about it."""


@dataclass(frozen=True)
class Project:
    """One checkout."""

    root: Path = ROOT

    @cached_property
    def table(self) -> dict[str, Any]:
        """The table ``project`` of ``pyproject.toml``."""
        table: dict[str, Any] = tomllib.loads((self.root / "pyproject.toml").read_text())["project"]
        return table

    @property
    def name(self) -> str:
        """The name of the distribution."""
        return str(self.table["name"])

    @property
    def version(self) -> str:
        """The version, which is the same in every artifact."""
        return str(self.table["version"])

    @property
    def python(self) -> Path:
        """The folder that holds the package."""
        return self.root / "python"

    @cached_property
    def epoch(self) -> int:
        """The time of all files in artifacts, in seconds since 1970: that of the commit, unless the
        environment names another one."""
        if given := os.environ.get(EPOCH):
            return int(given)
        return int(self._git("log", "-1", "--format=%ct"))

    @cached_property
    def tracked(self) -> list[Path]:
        """The files of the commit, relative to the root; stray files of a checkout are not."""
        names = self._git("ls-files", "-z").split("\0")
        return sorted(Path(name) for name in names if name and (self.root / name).is_file())

    @property
    def page(self) -> list[Path]:
        """The built page, relative to the root. Raises :class:`ReleaseError` if there is none."""
        folder = self.python / self.name / "page"
        if not (folder / "index.html").is_file():
            raise ReleaseError("the page is not built: install Node 20.19 or newer, and try again")
        return sorted(
            path.relative_to(self.root)
            for path in folder.rglob("*")
            # Hidden folders hold what only the build needs.
            if path.is_file() and ".vite" not in path.parts
        )

    def changed(self) -> list[str]:
        """Tracked files that differ from the commit."""
        return self._git("status", "--porcelain", "--untracked-files=no").splitlines()

    def _git(self, *words: str) -> str:
        try:
            found = subprocess.run(
                ["git", *words], cwd=self.root, check=True, capture_output=True, text=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or error
            raise ReleaseError(f"git {words[0]}: {said}; a release needs a checkout") from error
        return found.stdout
