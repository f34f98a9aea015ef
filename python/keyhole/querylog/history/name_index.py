"""An index of the names in many segments, with the segments that contain each.

Most names occur on most days, so the names files of segments repeat each other, and a search for a
part of a name would read all of them. An index covers segments that will not be joined any more. It
only speeds a search up: without it the result is the same.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from keyhole.querylog.history.segment import Segment
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

MAX_SEGMENTS = 64
"""Segments in one index: each has a bit in a 64-bit number."""
MIN_NEW_SEGMENTS = 8
"""Number of segments without an index from which one is written."""
_COPY = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 40960)"


@dataclass(frozen=True)
class NameIndex:
    """One index; ``stems`` name its segments, in the order of their bits."""

    file: Path
    stems: tuple[str, ...]


def name_indexes(root: Path) -> list[NameIndex]:
    """All complete indexes."""
    found = []
    for note in sorted((root / "lexicon").glob("*.json")):
        file = note.with_suffix(".parquet")
        try:
            stems = json.loads(read_whole(note))
        except (OSError, ValueError):
            continue
        if file.exists() and isinstance(stems, list):
            found.append(NameIndex(file, tuple(map(str, stems))))
    return found


def refresh(connection: duckdb.DuckDBPyConnection, root: Path, settled: Sequence[Segment]) -> None:
    """Writes an index where enough settled segments have none, and removes obsolete ones.

    After a kill in between, segments may be in two indexes, which is harmless. Raises ``OSError``
    and ``duckdb.Error``.
    """
    alive = {one.stem: one for one in settled}
    known = name_indexes(root)
    for one in known:
        if not alive.keys() & set(one.stems):
            _drop(one)
    covered = {stem for one in known for stem in one.stems}
    new = [one for one in settled if one.stem not in covered]
    if len(new) < MIN_NEW_SEGMENTS:
        return
    # An index with room is rewritten with the new segments, so that there are few indexes.
    filling = min(known, key=lambda one: len(one.stems), default=None)
    if filling is not None and len(filling.stems) < MAX_SEGMENTS // 2:
        new = [alive[stem] for stem in filling.stems if stem in alive] + new
    else:
        filling = None
    _write(connection, root, new[:MAX_SEGMENTS])
    if filling is not None:
        _drop(filling)


def _write(connection: duckdb.DuckDBPyConnection, root: Path, chosen: Sequence[Segment]) -> None:
    folder = root / "lexicon"
    folder.mkdir(exist_ok=True)
    whole = {one.file.stem for one in name_indexes(root)}
    for left in folder.iterdir():
        if left.stem not in whole:
            left.unlink()
    target = folder / f"{secrets.token_hex(8)}.parquet"
    with durable.draft_of(target) as draft:
        connection.execute(f"COPY ({_merged(chosen)}) TO '{_quote(draft)}' {_COPY}")
    # The note makes the index valid.
    durable.write_json(target.with_suffix(".json"), [one.stem for one in chosen])


def _merged(chosen: Sequence[Segment]) -> str:
    """The distinct names with their bits. All files are read by one reader: a reader for each would
    take more memory for a full index than is available."""
    files = [_quote(one.path("names")) for one in chosen]
    places = ", ".join(f"('{file}', {1 << bit}::UBIGINT)" for bit, file in enumerate(files))
    quoted = ", ".join(f"'{file}'" for file in files)
    return (
        "SELECT name, bit_or(place) AS places FROM "
        f"read_parquet([{quoted}], filename = true, hive_partitioning = false) "
        f"JOIN (VALUES {places}) segment(filename, place) USING (filename) "
        "GROUP BY name ORDER BY name"
    )


def _drop(index: NameIndex) -> None:
    index.file.with_suffix(".json").unlink(missing_ok=True)
    index.file.unlink(missing_ok=True)


def holders(rows: Iterable[tuple[str, int]], index: NameIndex) -> dict[str, list[str]]:
    """The names by the stem of each segment that contains them; rows are names and bits."""
    found: dict[str, list[str]] = {}
    for name, places in rows:
        for bit, stem in enumerate(index.stems):
            if places >> bit & 1:
                found.setdefault(stem, []).append(name)
    return found


def source(index: NameIndex) -> str:
    """The index as a relation in SQL, with ``name`` and ``places`` (bits)."""
    return f"read_parquet('{_quote(index.file)}', hive_partitioning = false)"


def _quote(path: Path) -> str:
    return str(path).replace("'", "''")
