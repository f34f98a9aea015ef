"""The status of lists, for people and programs."""

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
    """Size of the stored download, or octets received by now."""
    total: int | None = None
    """Expected size of a running download, if the server reports it."""
    fetched_at: float | None = None
    """Time of the stored download."""
    checked_at: float | None = None
    """Time when the server last confirmed that it is current."""
    next_at: float | None = None
    error: str | None = None
    failing_since: float | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class SkippedLine:
    """A line that was skipped, with the reason."""

    file: str
    """The file, or the URL or document that it comes from."""
    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class ListStatus:
    """One list; the counts are of the version in force, and none without one."""

    name: str
    kind: Literal["block", "allow"]
    state: ListState
    why: str = ""
    """Why it is held back, or what is missing."""
    lost: str = ""
    """How much of it is left out, and why, if it is more than a tenth."""
    taken: int | None = None
    duplicates: int | None = None
    skipped: int | None = None
    skipped_by_reason: tuple[tuple[str, int], ...] = ()
    examples: Sequence[SkippedLine] = ()
    urls: tuple[UrlStatus, ...] = ()
    files: tuple[str, ...] = ()
    has_entries: bool = False
    """Whether entries stand in its document."""
    policies: tuple[str, ...] = ()
    """The policies in force that use it."""

    @property
    def failing_since(self) -> float | None:
        """Since when a download has been failing; none if none has."""
        times = (one.failing_since for one in self.urls)
        return min((one for one in times if one is not None), default=None)

    @property
    def problem(self) -> str:
        """Why it does not act, or not in its newest version; empty if it does. What the last
        download met is newer than what the last compilation found."""
        failed = (f"{one.url}: {one.error}" for one in self.urls if one.error)
        found = next(failed, self.why)
        if found or self.state != "in force" or self.taken:
            return found
        # A server that answers nothing, or with a page of something else, fails no download.
        return self.lost or "what it is made of has no entries"


def wrong_with_list(
    name: str, state: ListState, taken: int | None, *, is_failing: bool
) -> str | None:
    """What is wrong with a list that a policy uses, in a few words. None also for one that is on
    its way for the first time."""
    is_failing = is_failing or state == "held back"
    if not taken and (is_failing or state == "in force"):
        return f"list {name} has no entries"
    return f"list {name} stays at its last good version" if is_failing else None
