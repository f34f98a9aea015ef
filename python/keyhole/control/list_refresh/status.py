"""How lists are, as people and programs are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

UrlState = Literal["waiting", "downloading", "fresh", "failed"]
ListState = Literal["waiting", "downloading", "compiling", "in force", "held back", "unused"]


@dataclass(frozen=True)
class UrlStatus:
    """One URL of a list; times are seconds of Unix time."""

    url: str
    state: UrlState
    octets: int
    """Of the list that is there, or as many as came by now."""
    total: int | None = None
    """How many will come, while it is downloaded and the server says so."""
    fetched_at: float | None = None
    """When the list that is there came."""
    checked_at: float | None = None
    """When the server last said that it is the newest."""
    next_at: float | None = None
    error: str | None = None
    failing_since: float | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class SkippedLine:
    """A line that was left out, and why."""

    file: str
    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class ListStatus:
    """One list; the counts are of the version in force, and none where it is not."""

    name: str
    kind: Literal["block", "allow"]
    state: ListState
    why: str = ""
    """Why it is held back, or what is missing."""
    taken: int | None = None
    duplicates: int | None = None
    skipped: int | None = None
    skipped_by_reason: tuple[tuple[str, int], ...] = ()
    examples: Sequence[SkippedLine] = ()
    urls: tuple[UrlStatus, ...] = ()
    files: tuple[str, ...] = ()
