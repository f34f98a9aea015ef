"""Mends the segments of a history that cannot be read, or sets them aside."""

import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from keyhole.querylog.history.damaged import DamageFinder, SetAside, mend, mend_rollup, set_aside
from keyhole.querylog.history.rollups import PARTS as ROLLUP_PARTS
from keyhole.querylog.history.rollups import rollups
from keyhole.querylog.history.segment import PARTS, Segment, segments

READING_SECONDS = 60.0
"""Pause between two readings of everything, in search of what cannot be read."""


class Mender:
    """Works on one folder. Nothing else may write in it while `mend` runs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._finder = DamageFinder()
        self._next_reading = 0.0
        self.left_out: set[str] = set()
        """Segments that cannot be read and not be moved either, by name."""

    @property
    def damaged(self) -> list[SetAside]:
        """The segments whose rows cannot be read, oldest first."""
        found = set_aside(self._root)
        named = {one.segment.stem for one in found}
        there = [one for one in segments(self._root) if one.stem in self.left_out - named]
        return [*found, *(SetAside(one, is_counted=False) for one in there)]

    def mend(self, connection: duckdb.DuckDBPyConnection, *, is_thorough: bool) -> bool:
        """Mends what cannot be read, or sets it aside; whether there was any. Thorough is to read
        all of what was not read before, which takes long."""
        if is_thorough and time.monotonic() >= self._next_reading:
            self._next_reading = time.monotonic() + READING_SECONDS
            self._finder.forget()
        reading = connection if is_thorough else None
        found = segments(self._root)
        changed = [
            self._mend_one(connection, one)
            for one in found
            if self._finder.bad_parts(one, PARTS, reading)
        ]
        changed += [
            self._try(one, lambda one=one: mend_rollup(connection, self._root, one))  # type: ignore[misc]
            for one in rollups(self._root, found)
            if self._finder.bad_parts(one, ROLLUP_PARTS, reading)
        ]
        return any(changed)

    def _mend_one(self, connection: duckdb.DuckDBPyConnection, one: Segment) -> bool:
        bad = self._finder.bad_parts(one, PARTS, connection)
        return self._try(one, lambda: mend(connection, self._root, one, bad))

    def _try(self, segment: Segment, work: Callable[[], object]) -> bool:
        """Whether something has changed: it is mended, or left out from now on."""
        try:
            work()
        except (OSError, duckdb.Error):
            is_new = segment.stem not in self.left_out
            self.left_out.add(segment.stem)
            return is_new
        return True
