"""Keyhole's own queries: marked by the control plane, and kept apart from those of clients."""

import secrets
from contextlib import suppress
from pathlib import Path

from keyhole.engine.launch import Launch
from keyhole.engine.rotating_file import RotatingFile
from keyhole.engine.runtime import Refusal

OPTION = 65_053
"""The EDNS option with the mark, of the range for local use (RFC 6891 section 9)."""
FILE = "own.jsonl"
KEEP = 512 * 2**10


def mark_of(launch_file: Path) -> str:
    """The mark that the engine of a launch document knows, or a new one."""
    with suppress(Refusal):
        known = Launch.read(launch_file).options.get("own_mark")
        if isinstance(known, str) and known:
            return known
    return secrets.token_hex(16)


class OwnQueries:
    """Writes own queries into a small file beside the query log, which no statistic reads."""

    def __init__(self, folder: Path) -> None:
        self._file = RotatingFile(folder / FILE, KEEP)

    def write(self, lines: bytes) -> None:
        """Writes lines, as far as that works: they say nothing that must not be lost."""
        with suppress(OSError):
            while lines:
                lines = lines[self._file.append(lines) :]

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
