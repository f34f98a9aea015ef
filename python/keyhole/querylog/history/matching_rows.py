"""Matching rows as a relation in SQL, for counts; bounded by the number of rows that are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from keyhole.querylog.history.criteria import Condition, Criteria
from keyhole.querylog.history.name_index import NameIndex
from keyhole.querylog.history.name_lookup import NameLookup
from keyhole.querylog.history.run import check
from keyhole.querylog.history.search import narrow, overlaps
from keyhole.querylog.history.segment import Segment, row_files

MAX_ROWS_READ = 20_000_000
"""Rows of the newest segments that are read: about a second on two cores."""
_BATCH = 16


@dataclass(frozen=True)
class MatchingRows:
    """The relation and its values; ``searched_to`` as in a page of a search: rows up to then are
    not part of it."""

    relation: str
    values: list[Any]
    searched_to: int | None


def matching_rows(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    name_indexes: Sequence[NameIndex],
    criteria: Criteria,
    *,
    columns: str = "*",
    most: int = MAX_ROWS_READ,
) -> MatchingRows | None:
    """The rows of the newest segments with ``most`` rows; of one segment at least. None where no
    segment may hold one. Raises ``SearchError`` and ``duckdb.Error``."""
    check(connection, criteria)
    about = criteria.about_names
    lookup = NameLookup(connection, about, name_indexes) if about is not None else None
    newest_first = sorted(
        (one for one in segments if overlaps(one, criteria)),
        key=lambda one: one.end,
        reverse=True,
    )
    parts: list[tuple[list[Segment], Condition]] = []
    left, read, edge = newest_first, 0, None
    while left and edge is None:
        batch, left = left[:_BATCH], left[_BATCH:]
        condition = criteria.condition
        there = narrow(batch, condition, lookup)
        for place, one in enumerate(there):
            if read and read + one.rows > most:
                there, edge = there[:place], one.end
                break
            read += one.rows
        if there:
            parts.append((there, condition))
    if not parts:
        return None
    selects, values = [], []
    for there, condition in parts:
        newer = "" if edge is None else f' AND "time" > {int(edge)}'
        source = f"read_parquet({row_files(there)})"
        selects.append(f"SELECT {columns} FROM {source} WHERE {condition.sql}{newer}")
        values += condition.values
    return MatchingRows(f"({' UNION ALL '.join(selects)})", values, edge)
