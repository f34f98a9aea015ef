"""How far each receiver was told of the records that outlive this process."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from keyhole.control.data_folder import DataFolder, write_durably
from keyhole.control.error import UnwritableError
from keyhole.system.regular_file import read_whole


class Progress:
    """The number of the last entry that each receiver has, by its target and by source, in a file
    of the state folder."""

    def __init__(self, data: DataFolder) -> None:
        self._file = data.state / "events.json"
        self._known = _read(_content(self._file))
        self._writing = threading.Lock()

    def of(self, target: str, source: str) -> int | None:
        """The number; none for a receiver that was never told of this source."""
        return self._known.get(target, {}).get(source)

    def set(self, target: str, source: str, number: int) -> None:
        """Takes a number in; `write` keeps it."""
        # Never changed in place: a thread may be writing it.
        self._known = {**self._known, target: {**self._known.get(target, {}), source: number}}

    def write(self) -> None:
        """Writes the file. What cannot be written is told again after a restart. May be called by
        several threads: what was taken in before the last call is in the file."""
        # One at a time, and each what is known then: an older content never replaces a newer one.
        with self._writing:
            try:
                write_durably(self._file, json.dumps(self._known, indent=1).encode())
            except UnwritableError:
                return  # the part disk says so


def _content(file: Path) -> bytes:
    try:
        return read_whole(file)
    except OSError:
        return b""


def _read(content: bytes) -> dict[str, dict[str, int]]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    if not isinstance(found, Mapping):
        return {}
    return {
        str(target): {
            str(source): number for source, number in each.items() if isinstance(number, int)
        }
        for target, each in found.items()
        if isinstance(each, Mapping)
    }
