"""Digests of rows by when they were taken in and by their hour, however they lie in segments."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import duckdb

from keyhole.querylog.history.hour_keys import HOUR_US, Keys, new_key
from keyhole.querylog.history.schema import COLUMNS, ENGINE, INTAKE
from keyhole.querylog.history.segment import CLIENT_COLUMNS, Segment, row_files

_AT_ONCE = 10_000
_WINDOW_US = HOUR_US // 12
"""Rows are sorted by so much time at once: a sort of many weeks would need more memory than the
history has."""
FORM = 1
"""The columns below and their order; a later form has others, and digests name theirs."""
_FORM_1 = (*COLUMNS, ENGINE)


@dataclass(frozen=True)
class Line:
    """A row as text: with its client, and without; ``queries`` is how many it stands for."""

    whole: bytes
    anonymous: bytes
    queries: int


@dataclass
class HourDigest:
    """The rows of one hour (in hours of Unix time): how many, the HMAC-SHA256 (RFC 2104) of their
    lines with clients under a key in hexadecimal, and the SHA-256 of their lines without."""

    hour: int
    key: str
    rows: int = 0
    queries: int = 0
    _whole: Any = field(init=False, repr=False)
    _anonymous: Any = field(default_factory=hashlib.sha256, repr=False)

    def __post_init__(self) -> None:
        # RFC 2104, section 3: a key as long as the output of the hash. Without it, the client of an
        # hour with few queries could be found by trying addresses, once it is removed.
        self._whole = hmac.new(bytes.fromhex(self.key), digestmod=hashlib.sha256)

    def add(self, line: Line) -> None:
        """Takes the next row."""
        self.rows += 1
        self.queries += line.queries
        self._whole.update(line.whole)
        self._anonymous.update(line.anonymous)

    @property
    def whole(self) -> str:
        """With clients."""
        return str(self._whole.hexdigest())

    @property
    def anonymous(self) -> str:
        """Without clients: what remains once they were removed."""
        return str(self._anonymous.hexdigest())


def sealed_lines(
    cursor: duckdb.DuckDBPyConnection, segments: Sequence[Segment], after: int, last: int
) -> Iterator[tuple[int, Iterator[Line]]]:
    """The rows that were taken in with numbers above ``after`` up to ``last``, by hour, in an order
    that no join of segments changes. Raises ``duckdb.Error``."""
    if not segments:
        return
    files = row_files(segments)
    cursor.execute(
        f'SELECT DISTINCT "time" // {_WINDOW_US} AS part FROM read_parquet({files}) '
        f"WHERE {INTAKE} > ? AND {INTAKE} <= ? ORDER BY part",
        [after, last],
    )
    windows = [int(part) for (part,) in cursor.fetchall()]
    for hour, parts in groupby(windows, key=lambda part: part * _WINDOW_US // HOUR_US):
        yield hour, _lines_of(cursor, files, list(parts), (after, last))


def _lines_of(
    cursor: duckdb.DuckDBPyConnection, files: str, windows: list[int], intake: tuple[int, int]
) -> Iterator[Line]:
    anonymous = _json(dict.fromkeys(CLIENT_COLUMNS, "NULL"))
    for window in windows:
        cursor.execute(
            f'SELECT coalesce("count", 1), {anonymous} AS less, {_json({})} AS more '
            f"FROM read_parquet({files}) WHERE {INTAKE} > ? AND {INTAKE} <= ? "
            f'AND "time" >= ? AND "time" < ? ORDER BY "time", less, more',
            [*intake, window * _WINDOW_US, (window + 1) * _WINDOW_US],
        )
        for count, less, more in _rows(cursor):
            yield Line(_octets(more), _octets(less), count)


def sealed_hours(
    cursor: duckdb.DuckDBPyConnection, segments: Sequence[Segment], after: int, last: int
) -> list[HourDigest]:
    """The digests of these rows, one for each hour in which a query came, each under a new key."""
    found = []
    for hour, lines in sealed_lines(cursor, segments, after, last):
        digest = HourDigest(hour, new_key())
        for line in lines:
            digest.add(line)
        found.append(digest)
    return found


def keys_of(hours: Sequence[HourDigest]) -> Keys:
    """The keys of these digests."""
    return {one.hour: one.key for one in hours}


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_AT_ONCE):
        yield from rows


def _octets(text: str) -> bytes:
    # JSON has no line breaks, so that lines cannot be taken for others.
    return text.encode() + b"\n"


def _json(replaced: dict[str, str]) -> str:
    pairs = ", ".join(f"'{name}', " + replaced.get(name, f'"{name}"') for name in _FORM_1)
    return f"json_object({pairs})::VARCHAR"
