"""Searches the history in pages, newest or oldest first, in as few segments as a page needs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from keyhole.querylog.history.criteria import Condition, Criteria, SearchError
from keyhole.querylog.history.name_index import NameIndex
from keyhole.querylog.history.name_lookup import NameLookup
from keyhole.querylog.history.run import check, run
from keyhole.querylog.history.schema import NAMES, OPTIONAL
from keyhole.querylog.history.segment import Segment, row_files

TIMEOUT_SECONDS = 5.0
"""After this time the page holds what was found so far; the next page continues there."""
MAX_ROWS = 10_000
_MAX_BATCH = 16
"""Segments per query, at most."""

Key = tuple[int, str, int]
"""The key of a row: its time, its file relative to the folder, and its number in the file."""
Order = Literal["newest", "oldest"]
"""Which queries come first."""


@dataclass(frozen=True)
class Row:
    """One query; the fields are those of the query log."""

    key: Key
    fields: dict[str, Any]


@dataclass(frozen=True)
class SearchPage:
    """A page of results, in the order of the search."""

    rows: list[Row]
    next: Key | None
    """The key after which the next page begins; none where everything was searched."""
    searched_to: int | None
    """Everything before this in the order of the search was searched, in microseconds of Unix
    time; none where everything was."""


def search(
    connection: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    criteria: Criteria,
    *,
    limit: int = 100,
    after: Key | None = None,
    timeout: float = TIMEOUT_SECONDS,
    name_indexes: Sequence[NameIndex] = (),
    order: Order = "newest",
) -> SearchPage:
    """At most ``limit`` rows that come behind ``after``. Raises `SearchError` and
    ``duckdb.Error``."""
    if not 1 <= limit <= MAX_ROWS:
        raise SearchError(f"a page has 1 to {MAX_ROWS} rows")
    check(connection, criteria)
    end = time.monotonic() + timeout
    rows: list[Row] = []
    about = criteria.about_names
    lookup = NameLookup(connection, about, name_indexes) if about is not None else None
    is_down = order == "newest"
    left = sorted(
        (one for one in segments if _may_hold(one, criteria, after, is_down)),
        key=lambda one: one.end if is_down else one.begin,
        reverse=is_down,
    )
    size = 1
    while left:
        edge = left[0].end if is_down else left[0].begin
        # Segments may overlap: one that ends later than the oldest row may still hold newer ones.
        if len(rows) > limit and _is_before(rows[limit].key[0], edge, is_down):
            break
        if size > 1 and time.monotonic() > end:
            return _partial_page(rows, limit, edge, is_down)
        batch, left = left[:size], left[size:]
        # Most results are at the begin, so the batches begin small.
        size = min(size * 2, _MAX_BATCH)
        rows += _in_batch(connection, batch, criteria, limit + 1, after, lookup, is_down)
        rows.sort(key=lambda row: row.key, reverse=is_down)
        del rows[limit + 1 :]
    more = len(rows) > limit
    return SearchPage(rows[:limit], rows[limit - 1].key if more else None, None)


def matching(segments: Sequence[Segment], criteria: Criteria) -> tuple[str, list[Any]]:
    """The matching rows as a relation in SQL, with its values; there must be segments."""
    condition = criteria.condition
    source = f"read_parquet({row_files(segments)})"
    return f"(SELECT * FROM {source} WHERE {condition.sql})", condition.values


def _is_before(time: int, edge: int, is_down: bool) -> bool:
    """Whether a time certainly comes before all rows behind an edge."""
    return time > edge if is_down else time < edge


def _partial_page(rows: list[Row], limit: int, edge: int, is_down: bool) -> SearchPage:
    """A page of only those rows that come before everything not searched yet."""
    sure = [row for row in rows if _is_before(row.key[0], edge, is_down)][:limit]
    key = sure[-1].key if sure else (edge + 1 if is_down else edge, "", 0)
    return SearchPage(sure, key, edge)


def _may_hold(segment: Segment, criteria: Criteria, after: Key | None, is_down: bool) -> bool:
    if not overlaps(segment, criteria):
        return False
    if after is None:
        return True
    return segment.begin <= after[0] if is_down else segment.end >= after[0]


def overlaps(segment: Segment, criteria: Criteria) -> bool:
    """Whether a segment has rows of the time span of the criteria."""
    if criteria.since is not None and segment.end < criteria.since:
        return False
    return criteria.until is None or segment.begin < criteria.until


def narrow(
    batch: Sequence[Segment], condition: Condition, lookup: NameLookup | None
) -> list[Segment]:
    """The segments that may hold a matching name; adds to the condition what helps the reader to
    skip parts of their files."""
    found = lookup.find(batch) if lookup is not None else None
    if found is None:
        return list(batch)
    # There are fewer names than rows, and the reader skips parts of a file without them.
    condition.add("name IN (SELECT unnest(?))", list(found.names))
    if found.times is not None and found.times:
        condition.add(f'"time" IN ({", ".join(map(str, found.times))})')
    return [one for one in batch if str(one.path("names")) in found.files]


def _in_batch(
    connection: duckdb.DuckDBPyConnection,
    batch: Sequence[Segment],
    criteria: Criteria,
    limit: int,
    after: Key | None,
    lookup: NameLookup | None,
    is_down: bool,
) -> list[Row]:
    condition = criteria.condition
    batch = narrow(batch, condition, lookup)
    if not batch:
        return []
    root = batch[0].folder.parent
    if after is not None:
        moment, file, number = after
        sign = "<" if is_down else ">"
        condition.add(
            f'("time", filename, file_row_number) {sign} (?, ?, ?)',
            moment,
            str(root / file),
            number,
        )
    # Find the places first: then all columns are decoded only for the rows of the page.
    way = "DESC" if is_down else "ASC"
    query = (
        'SELECT "time", filename, file_row_number FROM '
        f"read_parquet({row_files(batch)}, file_row_number = true, filename = true) "
        f'WHERE {condition.sql} ORDER BY "time" {way}, filename {way}, file_row_number {way} '
        f"LIMIT {int(limit)}"
    )
    places = run(connection, query, condition.values)
    return _rows(connection, batch, places) if places else []


def _fields(values: Sequence[Any]) -> dict[str, Any]:
    """The fields of a line, as it was written."""
    named = zip(NAMES, values, strict=True)
    return {name: value for name, value in named if value is not None or name not in OPTIONAL}


def _rows(
    connection: duckdb.DuckDBPyConnection,
    batch: Sequence[Segment],
    places: Sequence[tuple[int, str, int]],
) -> list[Row]:
    """The rows at these places: time, file, and number in the file."""
    files = {file for _, file, _ in places}
    touched = [one for one in batch if str(one.path("rows")) in files]
    columns = ", ".join(f'"{name}"' for name in NAMES)
    # The reader skips the parts of a file without these times.
    times = ", ".join(str(int(moment)) for moment, _, _ in places)
    query = (
        f"SELECT {columns}, filename, file_row_number FROM "
        f"read_parquet({row_files(touched)}, file_row_number = true, filename = true) "
        f'WHERE "time" IN ({times})'
    )
    root = batch[0].folder.parent
    wanted = set(places)
    return [
        Row(
            (row[0], str(Path(row[-2]).relative_to(root)), row[-1]),
            _fields(row[:-2]),
        )
        for row in run(connection, query, [])
        if (row[0], row[-2], row[-1]) in wanted
    ]
