"""Sets files of the history aside that cannot be read, so that the others answer.

They are moved into ``damaged`` beside the segments, under their names: nothing is deleted.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb

from keyhole.querylog.history.name_index import NameIndex
from keyhole.querylog.history.segment import PARTS, Segment
from keyhole.system import durable

_MAGIC = b"PAR1"
_LEAST_OCTETS = 12


def is_whole(path: Path) -> bool:
    """Whether a file begins and ends as a Parquet file does; cheap, and finds a torn one."""
    try:
        with path.open("rb") as file:
            first = file.read(4)
            size = file.seek(0, 2)
            if size < _LEAST_OCTETS:
                return False
            file.seek(-8, 2)
            length, last = int.from_bytes(file.read(4), "little"), file.read(4)
    except FileNotFoundError:
        return True  # its segment was joined or removed meanwhile
    except OSError:
        return False
    return first == last == _MAGIC and length <= size - _LEAST_OCTETS


def is_readable(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether all of a file can be read."""
    if not is_whole(path):
        return False
    quoted = str(path).replace("'", "''")
    source = f"read_parquet('{quoted}', hive_partitioning = false)"
    try:
        connection.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM {source}").fetchall()
    except duckdb.Error:
        return not path.exists()
    return True


def damaged_of(
    found: Iterable[Segment], connection: duckdb.DuckDBPyConnection | None = None
) -> Iterator[Segment]:
    """The segments with a part that cannot be read; with a ``connection`` all of each is read."""
    for segment in found:
        paths = [path for part in PARTS if (path := segment.path(part)).exists()]
        if connection is None:
            if not all(is_whole(path) for path in paths):
                yield segment
        elif not all(is_readable(connection, path) for path in paths):
            yield segment


def set_aside(root: Path, segment: Segment) -> None:
    """Moves a segment away, if the disk can be written."""
    folder = root / "damaged"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        # The rows first: they make a segment valid.
        for part in PARTS:
            path = segment.path(part)
            if path.exists():
                durable.rename(path, folder / path.name)


def drop_damaged_indexes(found: Iterable[NameIndex]) -> None:
    """Removes indexes that cannot be read: they only speed a search up, and are made again."""
    for one in found:
        if not is_whole(one.file):
            with suppress(OSError):
                one.file.with_suffix(".json").unlink(missing_ok=True)
                one.file.unlink(missing_ok=True)


def set_aside_names(root: Path) -> list[str]:
    """What was set aside, by name and without repetition."""
    folder = root / "damaged"
    return sorted({file.name.split(".")[0] for file in folder.glob("*.parquet")})
