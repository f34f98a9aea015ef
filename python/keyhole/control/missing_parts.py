"""What a data folder once had and has no more.

A data folder that was used is never taken for an empty one: what is missing is said, the last good
snapshot stays in force, and only ``keyhole setup --new`` or a restore goes on without it.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from keyhole.config.files import BESIDE, sources
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.first_look import SETTINGS, is_blank
from keyhole.control.settings import Settings
from keyhole.system.installation import name_of
from keyhole.system.regular_file import read_whole

DOCUMENTS, STORED, DATABASE = "documents", "stored", "database"
OVERRIDES, SNAPSHOT = "overrides", "last good snapshot"
_IDENTITY, _ROOT = "identity/", "root.pem"
_IDENTITY_FILES = (
    (_ROOT, "the trust of every client in this Keyhole, and all certificates"),
    ("tokens.json", "the tokens of all clients"),
    ("revoked.json", "all revocations: what was revoked would be believed again"),
    ("enrollments.json", "the clients that wait to be enrolled"),
    ("issued.jsonl", "the record of what was issued, by which names are revoked"),
)
_LOST_EVIDENCE = "the proof that the queries and the audit record of before are unchanged"
_REMADE = "the next start makes them again from what the documents gave last"
_ALWAYS = (SETTINGS, DOCUMENTS, DATABASE, _IDENTITY + _ROOT)
"""What everybody has who ever used a folder."""
_REMEDY = (
    "restore it from a backup (keyhole restore), or run keyhole setup --new to go on without it"
)


class MissingError(ControlError):
    """A part of a used data folder is missing."""


@dataclass(frozen=True)
class MissingPart:
    """A missing part: its word in the record, what was found, and what is lost without it."""

    part: str
    found: str
    lost: str
    useless: tuple[Path, ...] = ()
    """Files that are there, and cannot be used."""

    @property
    def why(self) -> str:
        """What is wrong and what would be right."""
        return f"{self.found}; {_REMEDY} (lost then: {self.lost})"

    def error(self) -> MissingError:
        """The same as an error."""
        return MissingError(self.why)


def is_used(data: DataFolder) -> bool:
    """Whether a Keyhole has run with this folder. Commands that issue certificates and tokens may
    be used before; they leave files of the authority, and a record of those alone."""
    record = data.installation
    if record.has(SETTINGS) or not is_blank(data.database):
        return True
    left = [data.snapshot, data.snapshot_copy, data.last_good, data.query_log, data.history]
    if not record.has(_IDENTITY + _ROOT):
        left.append(data.identity / _ROOT)  # the record of it is lost
    return any(one.exists() for one in left)


def begin_record(data: DataFolder) -> None:
    """Begins the record of a folder without one, before a start leaves anything else there: if a
    first start is killed, the next one completes it. A folder that was used without a record, such
    as that of an earlier version, or one that was restored in part, always had some parts.

    Raises ``OSError`` if the folder cannot be written.
    """
    if not data.installation.exists():
        data.installation.remember(*(_ALWAYS if is_used(data) else ()), *_present(data))


def as_recorded(data: DataFolder) -> DataFolder:
    """The folder as `begin_record` would leave it; writes nothing."""
    if data.installation.exists() or not is_used(data):
        return data
    return replace(data, assumed=frozenset({*_ALWAYS, *_present(data)}))


def remember(data: DataFolder, settings: Settings) -> None:
    """Remembers what is there now. Raises ``OSError``."""
    has_documents = _documents(settings) is None
    parts = [SETTINGS, *([DOCUMENTS] if has_documents else ()), *_present(data)]
    if settings.resolved.database is not None and data.stored.is_dir():
        parts.append(DATABASE)  # a server, whose documents were read
    data.installation.remember(*parts)


def settings_missing(data: DataFolder, file: Path) -> MissingPart | None:
    """The settings, if they were there and are gone or empty."""
    if not is_blank(file) or not data.installation.has(SETTINGS):
        return None
    return MissingPart(
        SETTINGS,
        f"{file} is {_gone(file)}",
        "addresses, clients, limits and all other settings",
        (file,) if file.exists() else (),
    )


def documents_missing(data: DataFolder, settings: Settings) -> MissingPart | None:
    """The documents of the folder, if they were there and are gone."""
    missing = _documents(settings)
    if missing is None or not data.installation.has(DOCUMENTS):
        return None
    return missing


def stored_missing(data: DataFolder) -> MissingPart | None:
    """The copy of the stored documents, if it was there, and is gone or in a form in which it would
    be read as empty: a tool that copies what links lead to leaves it so."""
    is_copy = data.stored.is_dir() and (data.stored / BESIDE).is_symlink()
    if is_copy or not data.installation.has(STORED):
        return None
    how = "not as Keyhole wrote it" if data.stored.is_dir() else "gone"
    return MissingPart(
        STORED,
        f"{data.stored} is {how}, and is made again from the database",
        "documents by command and by API",
    )


def overrides_missing(data: DataFolder) -> MissingPart | None:
    """The copy of pauses and decisions, if it was there and is gone: without it, what somebody
    blocked would be open until the database is read."""
    if not is_blank(data.overrides) or not data.installation.has(OVERRIDES):
        return None
    return MissingPart(
        OVERRIDES,
        f"{data.overrides} is {_gone(data.overrides)}, and is made again from the database",
        "pauses and decisions",
    )


def database_missing(data: DataFolder, settings: Settings) -> MissingPart | None:
    """The database file, if it was there and is gone or empty."""
    is_file = settings.resolved.database is None
    if not is_file or not is_blank(data.database) or not data.installation.has(DATABASE):
        return None
    return MissingPart(
        DATABASE,
        f"the database {data.database} is {_gone(data.database)}",
        "documents by command and by API with their history, people, decisions, audit record",
        (data.database,) if data.database.exists() else (),
    )


def identity_missing(data: DataFolder) -> Iterator[MissingPart]:
    """The files of the authority that were there and are gone."""
    for name, lost in _IDENTITY_FILES:
        file = data.identity / name
        if not file.exists() and data.installation.has(_IDENTITY + name):
            yield MissingPart(_IDENTITY + name, f"{file} is gone", lost)


def evidence_missing(data: DataFolder) -> Iterator[MissingPart]:
    """The files of the evidence chain that were there and are gone."""
    for file in (
        data.evidence / "chain.jsonl",
        data.evidence / "key.pem",
        data.evidence_head,
    ):
        if not file.exists() and data.installation.has(name_of(file)):
            yield MissingPart(name_of(file), f"{file} is gone", _LOST_EVIDENCE)


def all_missing(data: DataFolder, settings: Settings) -> list[MissingPart]:
    """Everything that the folder once had and has no more."""
    some = (
        settings_missing(data, settings.file),
        documents_missing(data, settings),
        stored_missing(data),
        overrides_missing(data),
        database_missing(data, settings),
    )
    return [
        *(one for one in some if one is not None),
        *identity_missing(data),
        *evidence_missing(data),
    ]


def snapshot_missing(data: DataFolder) -> str | None:
    """Which files of the last good snapshot were there and are gone. No backup is needed: they are
    made again."""
    files = [one for one in (data.snapshot, data.snapshot_copy) if one.exists()]
    if not files:
        gone = f"{data.snapshot} and its copy are gone"
        return f"{gone}; {_REMADE}" if data.installation.has(SNAPSHOT) else None
    try:
        listed = json.loads(read_whole(files[0]))["list_file"]
        if listed is None or Path(listed["path"]).exists():
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # damaged, and the other one may serve
    return f"the compiled lists {listed['path']} are gone; {_REMADE}"


def _gone(file: Path) -> str:
    return "empty" if file.exists() else "gone"


def _documents(settings: Settings) -> MissingPart | None:
    place = settings.documents
    if place.exists() and (not place.is_dir() or sources(place)[0]):
        return None
    return MissingPart(
        DOCUMENTS, f"the documents in {place} are gone", "policies, lists, upstreams and records"
    )


def _present(data: DataFolder) -> list[str]:
    parts = []
    if data.stored.is_dir():
        parts.append(STORED)
    if data.snapshot.exists() or data.snapshot_copy.exists():
        parts.append(SNAPSHOT)
    if not is_blank(data.overrides):
        parts.append(OVERRIDES)
    if not is_blank(data.database):
        parts.append(DATABASE)
    if data.withdrawn.exists():
        parts.append(name_of(data.withdrawn))
    with suppress(OSError):
        files = (one for one, _ in _IDENTITY_FILES)
        parts += [_IDENTITY + name for name in files if (data.identity / name).exists()]
    return parts
