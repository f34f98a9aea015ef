"""Finds matching names in the names files first, so that a search reads fewer rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from keyhole.querylog.history.criteria import Condition
from keyhole.querylog.history.name_index import NameIndex, holders, source
from keyhole.querylog.history.run import paths, run
from keyhole.querylog.history.segment import Segment

MAX_NAMES = 50_000
MAX_TIMES = 5_000


@dataclass
class MatchingNames:
    """Matching names, the files that contain them, and their times where all are known."""

    names: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    times: set[int] | None = field(default_factory=set)

    def add(self, rows: Sequence[tuple[str, str, list[int] | None]]) -> None:
        """Adds rows of name, file and times."""
        for name, file, seldom in rows:
            self.names.add(name)
            self.files.add(file)
            if seldom is None or self.times is None or len(self.times) > MAX_TIMES:
                self.times = None
            else:
                self.times.update(seldom)


class NameLookup:
    """Looks up names in batches of segments; the indexes are queried once."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        about: Condition,
        name_indexes: Sequence[NameIndex],
    ) -> None:
        self._connection = connection
        self._about = about
        self._holders: dict[str, list[str]] = {}
        """Matching names by the stem of each indexed segment; empty where none matches."""
        for one in name_indexes:
            self._ask_index(one)

    def find(self, batch: Sequence[Segment]) -> MatchingNames | None:
        """The matching names in a batch; none where they are too many to help."""
        found = MatchingNames()
        unknown = [one for one in batch if one.stem not in self._holders]
        if unknown and not self._find_in(found, unknown, self._about):
            return None
        known = [one for one in batch if self._holders.get(one.stem)]
        if known:
            wanted = {name for one in known for name in self._holders[one.stem]}
            about = Condition()
            about.add("name IN (SELECT unnest(?))", sorted(wanted))
            # The range lets the reader skip parts of a file.
            about.add("name BETWEEN ? AND ?", min(wanted), max(wanted))
            if not self._find_in(found, known, about):
                return None
        return found

    def _find_in(self, found: MatchingNames, batch: Sequence[Segment], about: Condition) -> bool:
        query = (
            f"SELECT name, filename, times FROM read_parquet({paths(batch, 'names')}, "
            f"filename = true) WHERE {about.sql} LIMIT {MAX_NAMES + 1}"
        )
        rows = run(self._connection, query, about.values)
        found.add(rows)
        return len(rows) <= MAX_NAMES

    def _ask_index(self, index: NameIndex) -> None:
        query = (
            f"SELECT name, places FROM {source(index)} WHERE {self._about.sql} "
            f"LIMIT {MAX_NAMES + 1}"
        )
        try:
            rows = run(self._connection, query, self._about.values)
        except duckdb.Error:
            return  # damaged or gone; the segments are searched one by one
        if len(rows) > MAX_NAMES:
            return  # too many to help; the segments are searched one by one
        for stem in index.stems:
            self._holders.setdefault(stem, [])
        for stem, names in holders(rows, index).items():
            self._holders[stem] = names
