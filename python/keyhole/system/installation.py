"""The record of what a data folder has had, so that a missing part is not taken for a first run.

The file lies beside the folders it speaks of. It only grows, until a person starts a part anew.
A record that cannot be read has everything: then nothing that is missing is made anew.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from keyhole.system import durable
from keyhole.system.regular_file import read_whole

FILE = "installation.json"
_VERSION = 1


class Installation:
    """The record in one data folder. A part is a word, such as ``documents``, or the path of a file
    in the folder."""

    def __init__(self, folder: Path, assumed: frozenset[str] = frozenset()) -> None:
        """``assumed`` are the parts where there is no record."""
        self.path = folder / FILE
        self._assumed = assumed

    @classmethod
    def of(cls, file: Path) -> "Installation":
        """The record for a file in a folder of the data folder, such as ``identity/root.pem``."""
        return cls(file.parent.parent)

    def exists(self) -> bool:
        """Whether there is a record, readable or not."""
        return self.path.exists()

    def has(self, part: str) -> bool:
        """Whether the data folder once had this part."""
        parts = self._read()
        return parts is None or part in parts

    def parts(self) -> list[str]:
        """All parts; none of a record that cannot be read."""
        return self._read() or []

    def remember(self, *parts: str) -> None:
        """Adds parts; writes nothing if all are known. Raises ``OSError``."""
        known = self._read() or []
        if not self.path.exists() or set(parts) - set(known):
            self._write(sorted({*known, *parts}))

    def forget(self, *parts: str) -> None:
        """Removes parts: what is missing of them may be made anew. Raises ``OSError``.

        Also begins a record again that cannot be read: the next start fills it.
        """
        self._write([one for one in self._read() or [] if one not in parts])

    def _write(self, parts: list[str]) -> None:
        durable.write_json(self.path, {"version": _VERSION, "parts": parts})

    def _read(self) -> list[str] | None:
        """The parts; none for a record that cannot be read."""
        try:
            found: dict[str, Any] = json.loads(read_whole(self.path))
            return [str(part) for part in found["parts"]]
        except FileNotFoundError:
            return sorted(self._assumed)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def remember_file(file: Path) -> None:
    """Remembers a file in a folder of the data folder, where that can be written; the next start
    remembers it otherwise."""
    with suppress(OSError):
        Installation.of(file).remember(name_of(file))


def was_there(file: Path) -> bool:
    """Whether the data folder once had this file."""
    return Installation.of(file).has(name_of(file))


def name_of(file: Path) -> str:
    """The part that a file is."""
    return f"{file.parent.name}/{file.name}"
