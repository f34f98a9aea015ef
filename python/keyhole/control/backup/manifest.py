"""What a backup says of itself: a header as its first member, and a manifest as its last one.

A file that was cut short has no manifest, and whoever reads the header knows at once whether this
version can read the rest.
"""

import json
import re
from typing import Any

from pydantic import AwareDatetime, ValidationError

from keyhole import __version__
from keyhole.control.backup.error import BackupError
from keyhole.model.field_types import Boundary

FORMAT = 1
HEADER, MANIFEST = "keyhole-backup.json", "manifest.json"
DATA, SETTINGS, ELSEWHERE = "data", "settings", "elsewhere"
"""The folders in a backup: of the data folder, of settings beside it, and of files that settings
and documents name anywhere else."""
ROOTS = (DATA, SETTINGS, ELSEWHERE)
MAX_HEADER, MAX_MANIFEST = 64 * 1024, 256 * 1024 * 1024
"""Octets."""
SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Header(Boundary):
    """The first member: the format, the version that wrote it, and when."""

    format: int
    keyhole: str
    time: AwareDatetime


class Member(Boundary):
    """A file in a backup."""

    octets: int
    sha256: str


class LeftOut(Boundary):
    """What was found and is not in the backup."""

    path: str
    why: str


class Manifest(Boundary):
    """The last member. ``data``, ``settings`` and ``documents`` are the absolute paths of before,
    of use for people and for paths that must be written again; nothing is ever written there."""

    format: int
    keyhole: str
    time: AwareDatetime
    data: str
    data_resolved: str
    """The data folder without links."""
    settings: str
    documents: str
    database: str
    """``sqlite``, or ``postgresql``: then the database is not in the backup."""
    has_history: bool
    left_out: tuple[LeftOut, ...]
    elsewhere: dict[str, str]
    """Original path of each file below ``elsewhere``, by its name there."""
    members: dict[str, Member]

    @property
    def octets(self) -> int:
        """The size of all files."""
        return sum(one.octets for one in self.members.values())

    @property
    def when(self) -> str:
        """The time for people."""
        return f"{self.time:%Y-%m-%d %H:%M:%S} UTC"

    def has(self, root: str) -> bool:
        """Whether there is anything below a root."""
        return any(name.startswith(f"{root}/") for name in self.members)

    def summary(self) -> dict[str, Any]:
        """For programs: everything but the members, which are counted."""
        document: dict[str, Any] = self.model_dump(mode="json", exclude={"members"})
        return {**document, "files": len(self.members), "octets": self.octets}


def read_header(octets: bytes, file: str) -> Header:
    """Raises `BackupError` for what is no backup of Keyhole, or one of a newer version."""
    try:
        found = json.loads(octets)
        number, version = int(found["format"]), str(found["keyhole"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _foreign(file) from None
    if number > FORMAT or _is_newer(version):
        raise BackupError(
            f"{file} was written by a newer Keyhole ({_printable(version)}, this one is "
            f"{__version__}); restore it with that version"
        )
    try:
        return Header.model_validate(found)
    except ValidationError:
        raise _foreign(file) from None


def read_manifest(octets: bytes, file: str) -> Manifest:
    """Raises `BackupError` where it is not valid."""
    try:
        return Manifest.model_validate_json(octets)
    except ValidationError:
        raise BackupError(f"{file} is damaged: its manifest cannot be read") from None


def _foreign(file: str) -> BackupError:
    return BackupError(f"{file} is not a backup of Keyhole; give a file of keyhole backup")


def _is_newer(version: str) -> bool:
    return _numbers(version) > _numbers(__version__)


def _numbers(version: str) -> list[int]:
    return [int(one) for one in re.findall(r"\d{1,9}", version)[:3]]


def _printable(text: str) -> str:
    return "".join(one for one in text[:40] if one.isprintable())
