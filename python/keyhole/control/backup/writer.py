"""Writes a backup while Keyhole runs, or while it does not."""

import json
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from keyhole.control.backup.archive import ArchiveWriter, new_header, writing
from keyhole.control.backup.contents import Contents, check_names
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.identity_copy import copy_identity, open_journal, unreadable
from keyhole.control.backup.manifest import (
    DATA,
    ELSEWHERE,
    POSTGRESQL,
    SQLITE,
    LeftOut,
    Manifest,
)
from keyhole.control.backup.reading import open_member
from keyhole.control.backup.scratch import SCRATCH, scratch_beside, scratch_within
from keyhole.control.backup.sealed import sealing
from keyhole.control.data_folder import DataFolder, check_exists
from keyhole.control.first_look import is_blank
from keyhole.control.missing_parts import all_missing, is_used
from keyhole.control.settings import Settings, read_last_good_settings, read_settings
from keyhole.errors import KeyholeError
from keyhole.identity import IdentityError
from keyhole.identity.files import locked
from keyhole.identity.journal import Author, note
from keyhole.store.copy import copy_sqlite
from keyhole.system import durable
from keyhole.system.lock import hold, is_held
from keyhole.system.regular_file import open_regular, read_whole

_TRIES = 5
_PAUSE_SECONDS = 0.2
_NO_LISTS = (
    "the compiled lists that the last good snapshot names are gone; until a restored Keyhole has "
    "compiled them again, it cannot start from that snapshot"
)
_SNAPSHOTS = ("snapshot.json", "snapshot-copy.json", "last-good.json")


@dataclass(frozen=True)
class Backup:
    """A backup that was written. ``file`` is none for a pipe; ``warnings`` are for the person.
    ``errors`` say what is damaged in it; a restore goes on without that."""

    manifest: Manifest
    file: Path | None
    octets: int
    warnings: tuple[str, ...]
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackupRequest:
    """What is wanted. ``out`` is a file that must not exist unless ``replace``, or a pipe."""

    data: DataFolder
    config: Path | None
    out: Path | BinaryIO
    replace: bool = False
    with_history: bool = False
    without_database: bool = False
    passphrase: str | None = field(default=None, repr=False)
    """What encrypts it; none for a backup that everybody can read who has the file."""
    author: Author | None = None


def write_backup(request: BackupRequest) -> Backup:
    """Writes all of a Keyhole into one file or pipe. Raises `BackupError` and other
    ``KeyholeError``; nothing is left of a file then."""
    data = request.data
    check_exists(data)
    if not is_used(data) and not data.identity.is_dir():
        raise BackupError(f"{data.path} was never used: there is nothing to back up")
    settings = _settings(data, request.config or data.config)
    _check_database(settings, request)
    warnings = [*_note(request)]
    if not isinstance(request.out, Path):
        with _scratch(request, None) as scratch:
            manifest, errors = _write(request, settings, request.out, scratch)
        return Backup(manifest, None, 0, tuple(warnings), errors)
    _check_target(request.out, request)
    with _write_errors(request.out, request), durable.draft_of(request.out) as draft:
        _remove_stale(request.out, draft)
        # Never made anew: that would be with other rights.
        flags = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        with (
            _scratch(request, draft) as scratch,
            os.fdopen(os.open(draft, flags), "wb") as file,
        ):
            _check_own(file.fileno(), draft)
            hold(file.fileno())  # so that no other backup takes it for stale
            manifest, errors = _write(request, settings, file, scratch)
    size = request.out.stat().st_size
    return Backup(manifest, request.out, size, tuple(warnings), errors)


def _scratch(request: BackupRequest, draft: Path | None) -> AbstractContextManager[Path]:
    """A folder for copies in the clear, until the block ends. Of a backup that is encrypted, none
    is ever where the backup goes."""
    if request.passphrase is not None:
        return scratch_within(request.data.path)
    return scratch_beside(draft)


def _check_own(descriptor: int, draft: Path) -> None:
    """Raises `BackupError` for a file that somebody else has put in the place of the draft: the
    folder may be theirs, and the file will hold all keys."""
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid() or found.st_nlink != 1:
        raise BackupError(
            f"somebody put another file in the place of {draft}; write the backup into a folder "
            "where nobody else may write"
        )


def _settings(data: DataFolder, file: Path) -> Settings:
    if is_blank(file):
        raise BackupError(
            f"the settings {file} are not there; give --config with those that keyhole up uses"
        )
    try:
        return read_settings(file)
    except KeyholeError:
        last = read_last_good_settings(file, data.settings_copy)
        if last is None:
            raise
        return last


def _check_database(settings: Settings, request: BackupRequest) -> None:
    if settings.resolved.database is not None and not request.without_database:
        raise BackupError(
            "documents by command, people, decisions and the audit record are in PostgreSQL, which "
            "has its own backup: run pg_dump --format=custom --file keyhole.dump with the URL of "
            f"database in {settings.file}, and then keyhole backup --without-database for the rest"
        )


def _check_target(out: Path, request: BackupRequest) -> None:
    folder = Path(os.path.realpath(out.absolute().parent))
    if folder.is_relative_to(request.data.path.resolve()):
        raise BackupError(
            f"{out} lies in the data folder, and would be lost with it; write the backup elsewhere"
        )
    try:
        kind = out.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise BackupError(f"cannot write {out}: {error.strerror}") from error
    if not stat.S_ISREG(kind):
        raise BackupError(f"{out} is not a regular file; give - to write into a pipe")
    if not request.replace:
        raise BackupError(f"{out} exists; give another name, or --replace")


def _remove_stale(out: Path, own: Path) -> None:
    """Removes what backups of the same name left that were killed: it holds every key, too."""
    pattern = re.compile(rf"\.{re.escape(out.name)}\.[0-9a-f]{{12}}\.new")
    for one in out.absolute().parent.iterdir():
        draft = one.with_name(one.name.removesuffix(SCRATCH))
        if draft.name == own.name or not pattern.fullmatch(draft.name):
            continue
        with suppress(OSError):  # of somebody else, who may remove it
            if is_held(draft):
                continue
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one, ignore_errors=True)
            else:
                one.unlink(missing_ok=True)


@contextmanager
def _write_errors(out: Path, request: BackupRequest) -> Iterator[None]:
    """Files that cannot be read have errors of their own."""
    copies = "" if request.passphrase is None else f", or copies in {request.data.path}"
    try:
        yield
    except OSError as error:
        raise BackupError(
            f"cannot write {out}{copies}: {error.strerror}; nothing is left of it"
        ) from error


def _note(request: BackupRequest) -> Iterator[str]:
    """Leaves an entry for the audit record: a backup holds every key. A disk that takes no entry is
    no reason to go without a backup."""
    detail = {"file": str(request.out) if isinstance(request.out, Path) else "-"}
    author = request.author or Author.of_command()
    try:
        with locked(request.data.identity):
            note(request.data.identity, author, "backup", detail)
    except IdentityError as error:
        yield f"the audit record will not name this backup: {error}"


def _write(
    request: BackupRequest, settings: Settings, out: BinaryIO, scratch: Path
) -> tuple[Manifest, tuple[str, ...]]:
    """Gives the manifest, and what of the backup is damaged."""
    contents = Contents(settings, request.data)
    contents.left_out += [
        LeftOut(path=one.part, why=one.found) for one in all_missing(request.data, settings)
    ]
    header = new_header(datetime.now(UTC))
    with sealing(out, request.passphrase) as sealed, writing(sealed, header) as archive:
        _add_installation(archive, request.data, scratch)
        # Documents before the database: one that lags behind its copy would be refused.
        _add_state(archive, contents)
        # Before the database: a record names an entry of its audit record.
        _add_files(archive, contents.evidence())
        identity = request.data.identity
        with open_journal(identity) as journal:
            _add_database(archive, settings, request.data, scratch)
            # After the database, so that no revocation is missing.
            copied = copy_identity(identity, contents.identity(), scratch, journal)
        for one in copied:
            one.add_to(archive)
        useless = unreadable(scratch)
        known = {f"{DATA}/{one.path}" for one in contents.left_out}  # those that are gone
        contents.left_out += [one for one in useless if one.path not in known]
        if request.with_history:
            _add_history(archive, contents, scratch)
        _add_files(archive, contents.rest())
        check_names(archive.members)
        manifest = Manifest(
            **header.model_dump(),
            data=str(request.data.path.absolute()),
            data_resolved=str(request.data.path.resolve()),
            settings=str(settings.file.absolute()),
            documents=str(settings.documents),
            database=SQLITE if settings.resolved.database is None else POSTGRESQL,
            has_history=request.with_history,
            left_out=tuple(contents.left_out),
            elsewhere=_present(contents.elsewhere, archive.members),
            members=archive.members,
        )
        archive.finish(manifest)
    return manifest, tuple(f"{one.path}: {one.why}" for one in useless)


def _present(elsewhere: Mapping[str, str], members: Iterable[str]) -> dict[str, str]:
    """The places elsewhere of which anything is in the backup: a file may go after it was found."""
    there = {"/".join(one.split("/")[1:3]) for one in members if one.startswith(f"{ELSEWHERE}/")}
    return {name: place for name, place in elsewhere.items() if name in there}


def _add_installation(archive: ArchiveWriter, data: DataFolder, scratch: Path) -> None:
    """The record of what the folder has had: before all that it speaks of, since it only grows. A
    token that is made meanwhile would be in the record and not in the backup: gone, for a restore.
    """
    file = open_member(data.installation.path)
    if file is None:
        return
    with file:
        octets = file.read()
    archive.add_octets(f"{DATA}/{data.installation.path.name}", octets)
    copy = scratch / DATA / data.installation.path.name
    copy.parent.mkdir()
    copy.write_bytes(octets)


def _add_state(archive: ArchiveWriter, contents: Contents) -> None:
    """The snapshots with the compiled lists that they name, then the rest of the state folder."""
    folder, name = contents.data.state, f"{DATA}/state"
    with ExitStack() as opened:
        for _ in range(_TRIES):
            texts = _read_snapshots(folder)
            lists, is_whole = _open_lists(folder, texts.values(), opened)
            if is_whole:
                break
            # A change took the lists of the snapshot away in between, and writes the next one.
            time.sleep(_PAUSE_SECONDS)
        else:
            contents.left_out.append(LeftOut(path=str(folder), why=_NO_LISTS))
        for one, octets in texts.items():
            archive.add_octets(f"{name}/{one}", octets)
        for one, file in lists.items():
            archive.add_file(f"{name}/{one}", file)
    others = (
        (member, path)
        for member, path in contents.state()
        if path.name not in _SNAPSHOTS and not path.name.startswith("lists-")
    )
    _add_files(archive, others)


def _read_snapshots(folder: Path) -> dict[str, bytes]:
    texts = {}
    for one in _SNAPSHOTS:
        with suppress(OSError):
            texts[one] = read_whole(folder / one)
    return texts


def _open_lists(
    folder: Path, texts: Iterable[bytes], opened: ExitStack
) -> tuple[dict[str, BufferedReader], bool]:
    found, is_whole = {}, True
    for text in texts:
        with suppress(ValueError, KeyError, TypeError):  # damaged, and the other one may serve
            listed = json.loads(text)["list_file"]
            if listed is None:
                continue
            name = Path(str(listed["path"])).name
            try:
                found[name] = opened.enter_context(open_regular(folder / name))
            except OSError:
                is_whole = False
    return found, is_whole


def _add_database(
    archive: ArchiveWriter, settings: Settings, data: DataFolder, scratch: Path
) -> None:
    if settings.resolved.database is None and data.database.exists():
        _add_sqlite(archive, f"{DATA}/{data.database.name}", data.database, scratch)


def _add_sqlite(archive: ArchiveWriter, name: str, file: Path, scratch: Path) -> None:
    copy = scratch / file.name
    try:
        copy_sqlite(file, copy)
        with open_regular(copy) as opened:
            archive.add_file(name, opened)
    finally:
        copy.unlink(missing_ok=True)


def _add_history(archive: ArchiveWriter, contents: Contents, scratch: Path) -> None:
    for name, path in contents.history():
        if path.suffix == ".db":
            _add_sqlite(archive, name, path, scratch)
        elif not path.name.endswith(("-wal", "-shm")):
            _add_files(archive, [(name, path)])


def _add_files(archive: ArchiveWriter, files: Iterable[tuple[str, Path]]) -> None:
    for name, path in files:
        file = open_member(path)
        if file is None:
            continue  # removed since the folder was read
        with file:
            archive.add_file(name, file)
