"""How far somebody has read a query log, and what was rotated away before it was read."""

import json

NO_QUERY = b'{"lost"'
"""How lines begin that hold no query."""


class ReadingPlace:
    """Counts the queries of a log as its lines are read, over all its files."""

    def __init__(self) -> None:
        self._read: int | None = None
        """The queries from the beginning of the log to here; unknown before the first file."""

    def skip(self, lines: bytes) -> None:
        """Passes lines that were read before, or need not be read."""
        for line in lines.splitlines(keepends=True):
            self.missed(line)

    def missed(self, line: bytes) -> int:
        """Takes the next line; how many queries before it nobody can read any more."""
        if not line.startswith(NO_QUERY):
            self._read = (self._read or 0) + 1
            return 0
        lost, before = _numbers(line)
        if before is None:
            return lost
        gap = 0 if self._read is None else max(before - self._read, 0)
        self._read = before
        return lost + gap


def _numbers(line: bytes) -> tuple[int, int | None]:
    try:
        found = json.loads(line)
        lost, before = found["lost"], found.get("before")
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0, None
    return _count(lost) or 0, _count(before)


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if is_count and isinstance(value, int) else None
