"""Notes what retention removes, until a record of the evidence chain says it."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keyhole.querylog.history.segment import Segment
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

_FILE = "removed.jsonl"


@dataclass(frozen=True)
class Removed:
    """Rows that are gone: the times of the first and the last (microseconds of Unix time), and how
    many there were."""

    begin: int
    end: int
    rows: int
    origin: str = ""
    """Of which part of the log they were: another segment may be like it in all else."""


def note_removed(root: Path, segment: Segment) -> None:
    """Notes a segment before it is removed. Raises ``OSError``."""
    note: dict[str, int | str] = {"begin": segment.begin, "end": segment.end, "rows": segment.rows}
    note["origin"] = segment.origin
    durable.append_line(root / _FILE, json.dumps(note).encode())


def read_removed(root: Path) -> list[Removed]:
    """What was removed since the notes were forgotten last, each once."""
    try:
        lines = read_whole(root / _FILE).splitlines()
    except OSError:
        return []
    found: dict[Removed, None] = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):  # a crash may cut a line short
            one = json.loads(line)
            begin, end, rows = (int(one[name]) for name in ("begin", "end", "rows"))
            found[Removed(begin, end, rows, str(one["origin"]))] = None
    return list(found)


def forget_removed(root: Path) -> None:
    """Forgets the notes. Raises ``OSError``."""
    if (root / _FILE).exists():
        durable.remove(root / _FILE)
