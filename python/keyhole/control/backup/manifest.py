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
_ELSEWHERE_NAME = re.compile(r"[1-9][0-9]*/[^/]+", re.DOTALL)
"""A number, and the name that the file or folder had."""
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
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
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


def check_paths(manifest: Manifest, file: str) -> None:
    """Raises `BackupError` for paths that no backup has: a restore moves what ``elsewhere`` names,
    so each name there must be one of a member, and of nothing else."""
    inside = {tuple(name.split("/")[1:3]) for name in manifest.members if _is_elsewhere(name)}
    for name, original in manifest.elsewhere.items():
        is_named = _ELSEWHERE_NAME.fullmatch(name) and not name.endswith(("/.", "/.."))
        if not is_named or tuple(name.split("/")) not in inside:
            raise BackupError(f"{file} names {name[:200]!r} elsewhere, which no backup has")
        if not original.startswith("/"):
            raise BackupError(f"{file} holds the path {original[:200]!r}, which is not absolute")
    paths = (manifest.data, manifest.data_resolved, manifest.settings, manifest.documents)
    if any("\0" in one for one in (*paths, *manifest.elsewhere.values())):
        raise BackupError(f"{file} is damaged: a path in its manifest holds a NUL")


def _is_elsewhere(name: str) -> bool:
    return name.startswith(f"{ELSEWHERE}/")


def _foreign(file: str) -> BackupError:
    return BackupError(f"{file} is not a backup of Keyhole; give a file of keyhole backup")


def _is_newer(version: str) -> bool:
    return _numbers(version) > _numbers(__version__)


def _numbers(version: str) -> list[int]:
    return [int(one) for one in re.findall(r"\d{1,9}", version)[:3]]


def _printable(text: str) -> str:
    return "".join(one for one in text[:40] if one.isprintable())
