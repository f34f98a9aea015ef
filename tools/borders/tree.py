"""The files under version control, as the rules see them."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_TEST_FOLDERS = {"tests", "benches", "examples"}


@dataclass(frozen=True)
class Finding:
    """A broken rule. ``fatal`` findings fail the check; the others are only said."""

    place: str
    what: str
    fatal: bool = True


@dataclass(frozen=True)
class SourceFile:
    """One tracked text file; ``path`` is relative to the repository."""

    path: Path

    @cached_property
    def text(self) -> str:
        """The whole content; empty for a file that is not text."""
        try:
            return (ROOT / self.path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return ""

    @property
    def is_test(self) -> bool:
        """Whether the file holds nothing but tests."""
        return bool(_TEST_FOLDERS & set(self.path.parts)) or self.path.stem == "tests"

    @cached_property
    def program(self) -> list[str]:
        """The lines before the Rust unit tests, or all lines."""
        lines = self.text.splitlines()
        for number, line in enumerate(lines):
            if self.path.suffix == ".rs" and line.startswith("#[cfg(test)]"):
                return lines[:number]
        return lines


def tracked() -> Iterator[SourceFile]:
    """Every file that is committed or about to be, deleted ones left out."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in sorted(filter(None, listing.split("\0"))):
        path = Path(name)
        if (ROOT / path).is_file():
            yield SourceFile(path)
