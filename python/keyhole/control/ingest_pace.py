"""When new lines of the query log are worth being ingested.

Each ingest writes and syncs a dozen files, however few lines are new. A search ingests first what
is new, so that nobody waits for this.
"""

import time
from pathlib import Path

from keyhole.querylog.counts import FILES as COUNT_FILES

MAX_SECONDS = 30.0
"""How old new lines get before they are ingested."""
MAX_OCTETS = 8 * 2**20
"""New lines that are ingested sooner: the log is bounded, and its older half is given up."""
Version = tuple[int, int, int]
"""Inode, size and modification time of a file."""


class IngestPace:
    """Watches the size of one query log."""

    def __init__(self, path: Path, keep: int) -> None:
        """``keep`` is the most that the log keeps, in octets."""
        self._path = path
        self._most = min(MAX_OCTETS, keep // 8)
        self._counts = path.with_name(COUNT_FILES[-1])
        self._seen: Version | None = None
        """The log before the last ingest."""
        self._ingested_at: float | None = None
        self._looked: tuple[float, Version | None] = (0.0, None)
        self._counts_seen: Version | None = None
        self._counts_looked: Version | None = None

    def is_due(self) -> bool:
        """Whether to ingest now."""
        now, seen = self._looked = time.monotonic(), _look(self._path)
        self._counts_looked = _look(self._counts)
        is_late = self._ingested_at is None or now - self._ingested_at >= MAX_SECONDS
        return is_late or self._has_grown(seen)

    @property
    def has_news(self) -> bool:
        """Whether log or counts had changed at the last look, since the ingest before; also after
        an error, and at first."""
        seen = (self._looked[1], self._counts_looked)
        return self._ingested_at is None or seen != (self._seen, self._counts_seen)

    def failed(self) -> None:
        """Has the next look say that it is time."""
        self._ingested_at = None

    def done(self) -> None:
        """All that was there at the last look is ingested. Not called after an error, so that the
        next try comes soon."""
        self._ingested_at, self._seen = self._looked
        self._counts_seen = self._counts_looked

    def _has_grown(self, seen: Version | None) -> bool:
        if seen is None or self._seen is None or seen[0] != self._seen[0]:
            return seen != self._seen  # it is new, gone or rotated
        return not 0 <= seen[1] - self._seen[1] < self._most


def _look(path: Path) -> Version | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
