"""When new lines of the query log are worth being ingested.

Each ingest writes and syncs a dozen files, however few lines are new. A search ingests first what
is new, so that nobody waits for this.
"""

import time
from pathlib import Path

MAX_SECONDS = 30.0
"""How old new lines get before they are ingested."""
MAX_OCTETS = 8 * 2**20
"""New lines that are ingested sooner: the log is bounded, and its older half is given up."""


class IngestPace:
    """Watches the size of one query log."""

    def __init__(self, path: Path, keep: int) -> None:
        """``keep`` is the most that the log keeps, in octets."""
        self._path = path
        self._most = min(MAX_OCTETS, keep // 8)
        self._seen: tuple[int, int] | None = None
        """The inode and the size of the log before the last ingest."""
        self._ingested_at: float | None = None
        self._looked: tuple[float, tuple[int, int] | None] = (0.0, None)

    def is_due(self) -> bool:
        """Whether to ingest now."""
        now, seen = self._looked = time.monotonic(), self._look()
        is_late = self._ingested_at is None or now - self._ingested_at >= MAX_SECONDS
        return is_late or self._has_grown(seen)

    def done(self) -> None:
        """All that was there at the last look is ingested. Not called after an error, so that the
        next try comes soon."""
        self._ingested_at, self._seen = self._looked

    def _has_grown(self, seen: tuple[int, int] | None) -> bool:
        if seen is None or self._seen is None or seen[0] != self._seen[0]:
            return seen != self._seen  # it is new, gone or rotated
        return not 0 <= seen[1] - self._seen[1] < self._most

    def _look(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size
