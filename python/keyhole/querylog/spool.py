"""Reads the engine's log from the end of the last segment.

Position and segments are in different files, and the process may be killed between the writes. So
the next position is noted before segments are written. After a kill they are removed and made
again.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keyhole.querylog.read import FILES
from keyhole.system import durable

CHUNK = 16 * 2**20
_MAX_FIRST_LINE = 65_536


@dataclass(frozen=True)
class Position:
    """A position in the engine's log: the file, and an offset in octets."""

    spool: str
    """The digest of the file's first line, which stays the same when it is renamed."""
    offset: int

    @property
    def word(self) -> str:
        """The position as part of a file name."""
        return f"{self.spool}.{self.offset}"


@dataclass(frozen=True)
class Piece:
    """Complete lines, and the position after them."""

    lines: bytes
    position: Position


@dataclass(frozen=True)
class Progress:
    """How far the log is ingested: up to ``at``; up to ``cutting`` if a write was not
    interrupted."""

    at: Position | None = None
    cutting: Position | None = None


def read_progress(file: Path) -> Progress:
    """The stored progress; empty where there is none or it is damaged."""
    try:
        found = json.loads(file.read_bytes())
        return Progress(_position(found["at"]), _position(found["cutting"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Progress()


def _position(found: dict[str, Any] | None) -> Position | None:
    return None if found is None else Position(str(found["spool"]), int(found["offset"]))


def write_progress(file: Path, progress: Progress) -> None:
    """Writes the progress atomically and durably; raises ``OSError``."""
    durable.write_json(file, asdict(progress))


def pieces(folder: Path, after: Position | None) -> Iterator[Piece]:
    """The lines after a position, in order; all lines where the position is unknown."""
    opened = [(path, identity(path)) for path in (folder / name for name in FILES)]
    known = [spool for _, spool in opened if spool is not None]
    skipping = after is not None and after.spool in known
    for path, spool in opened:
        if spool is None:
            continue
        offset = 0
        if skipping and after is not None:
            if spool != after.spool:
                continue
            skipping, offset = False, after.offset
        yield from _in_file(path, spool, offset)


def identity(path: Path) -> str | None:
    """The digest of a file's first line; none where it has no complete line."""
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_FIRST_LINE)
    except OSError:
        return None
    return hashlib.sha256(line).hexdigest()[:16] if line.endswith(b"\n") else None


def _in_file(path: Path, spool: str, offset: int) -> Iterator[Piece]:
    with path.open("rb") as file:
        file.seek(offset)
        while True:
            octets = file.read(CHUNK)
            end = octets.rfind(b"\n") + 1
            if end == 0:
                return
            offset += end
            yield Piece(octets[:end], Position(spool, offset))
            file.seek(offset)
