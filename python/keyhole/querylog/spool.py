"""Reads the engine's log from the end of the last segment.

Position and segments are in different files, and the process may be killed between the writes. So
the next position is noted before segments are written. After a kill they are removed and made
again.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from keyhole.querylog.read import FILES
from keyhole.system import durable
from keyhole.system.regular_file import open_regular, read_whole

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
    rows: dict[str, int] = field(default_factory=dict)
    """Rows made so far, by transport, outcome and reason, with a space between them."""


def read_progress(file: Path) -> Progress:
    """The stored progress, or its copy where it is damaged; empty where there is none."""
    for path in (file, _copy_of(file)):
        try:
            found = json.loads(read_whole(path))
            rows = {str(key): int(count) for key, count in found.get("rows", {}).items()}
            return Progress(_position(found["at"]), _position(found["cutting"]), rows)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return Progress()


def _copy_of(file: Path) -> Path:
    return file.with_suffix(".copy")


def _position(found: dict[str, Any] | None) -> Position | None:
    return None if found is None else Position(str(found["spool"]), int(found["offset"]))


def write_progress(file: Path, progress: Progress) -> None:
    """Writes the progress and its copy atomically and durably; raises ``OSError``."""
    durable.write_json(file, asdict(progress))
    durable.write_json(_copy_of(file), asdict(progress))


def pieces(folder: Path, after: Position | None) -> Iterator[Piece]:
    """The lines after a position, in order; all lines where the position is unknown."""
    with ExitStack() as opened:
        found = list(_open(folder, opened))
        skipping = after is not None and any(spool == after.spool for _, spool in found)
        for file, spool in found:
            offset = 0
            if skipping and after is not None:
                if spool != after.spool:
                    continue
                skipping, offset = False, after.offset
            yield from _in_file(file, spool, offset)


def _open(folder: Path, opened: ExitStack) -> Iterator[tuple[BinaryIO, str]]:
    """The files with their identities, oldest first. The newest is opened first: one that is
    rotated meanwhile is then found twice, which is noticed, and never under a wrong identity."""
    files: list[tuple[BinaryIO, str]] = []
    for name in reversed(FILES):
        try:
            file = opened.enter_context(open_regular(folder / name))
        except FileNotFoundError:
            continue
        spool = _identity_of(file)
        if spool is not None and spool not in [known for _, known in files]:
            files.insert(0, (file, spool))
    yield from files


def identity(path: Path) -> str | None:
    """The digest of a file's first line; none where it has no complete line."""
    try:
        with open_regular(path) as file:
            return _identity_of(file)
    except OSError:
        return None


def _identity_of(file: BinaryIO) -> str | None:
    line = file.readline(_MAX_FIRST_LINE)
    if line.startswith(b'{"lost"'):
        # Two files may begin with the same number; no two queries have the same line.
        second = file.readline(_MAX_FIRST_LINE)
        line = line + second if second.endswith(b"\n") else b""
    return hashlib.sha256(line).hexdigest()[:16] if line.endswith(b"\n") else None


def _in_file(file: BinaryIO, spool: str, offset: int) -> Iterator[Piece]:
    file.seek(offset)
    while True:
        octets = file.read(CHUNK)
        end = octets.rfind(b"\n") + 1
        if end == 0:
            return
        offset += end
        yield Piece(octets[:end], Position(spool, offset))
        file.seek(offset)
