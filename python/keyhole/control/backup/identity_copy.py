"""Copies the identity folder of a Keyhole that may be running.

Control moves the entries of the journal into the database, and drops a journal of which it has all.
An entry that the copied database does not have yet must be in the copied journal. A journal is
only appended to, and dropped as a whole: one that was opened before the database was copied keeps
every entry, and nobody has to wait while a large database is copied.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from keyhole.control.backup.archive import ArchiveWriter
from keyhole.control.backup.manifest import DATA, LeftOut
from keyhole.control.backup.reading import open_member
from keyhole.identity import IdentityError
from keyhole.identity.enrollments import FILE as ENROLLMENTS
from keyhole.identity.enrollments import list_enrollments
from keyhole.identity.files import locked
from keyhole.identity.journal import FILE as JOURNAL
from keyhole.identity.revoked import FILE as REVOKED
from keyhole.identity.revoked import read_revoked
from keyhole.identity.tokens import FILE as TOKENS
from keyhole.identity.tokens import list_tokens
from keyhole.system.durable import PRIVATE_FILE
from keyhole.system.regular_file import open_regular

_JOURNAL_MEMBER = f"{DATA}/identity/{JOURNAL}"


@dataclass(frozen=True)
class Copied:
    """A file of the folder, by its name in the backup, and where its copy is."""

    name: str
    copy: Path
    mode: int

    def add_to(self, archive: ArchiveWriter) -> None:
        """Adds the copy; raises ``OSError``."""
        with open_regular(self.copy) as file:
            octets = os.fstat(file.fileno()).st_size
            archive.add_open(self.name, file, octets, self.mode)


@contextmanager
def open_journal(identity: Path) -> Iterator[BufferedReader | None]:
    """The journal as it is before the database is copied; none where there is none."""
    file = open_member(identity / JOURNAL)
    with ExitStack() as held:
        yield held.enter_context(file) if file else None


def copy_identity(
    identity: Path,
    files: Iterable[tuple[str, Path]],
    scratch: Path,
    before: BufferedReader | None,
) -> list[Copied]:
    """Copies the files, which have names of a backup, below ``scratch``. ``before`` is what
    `open_journal` gave. The lock of the folder is held for no longer than that, so that a slow pipe
    keeps nobody from revoking. Raises `BackupError` and ``OSError``."""
    with ExitStack() as held:
        with suppress(IdentityError):  # a folder that is gone, or cannot be written
            held.enter_context(locked(identity))
        copied = [
            one
            for name, path in files
            if name != _JOURNAL_MEMBER and (one := _copy(name, path, scratch)) is not None
        ]
        journal = _journal(identity, before)
    if journal is not None:
        copied.append(_write(_JOURNAL_MEMBER, journal, scratch))
    return copied


def unreadable(scratch: Path) -> list[LeftOut]:
    """What of the copied revocations, tokens and enrollments cannot be read. Each is read as a
    restore does, which goes on without it; the record of what the folder has had is beside the
    copies, as in a data folder."""
    folder = scratch / DATA / "identity"
    found = []
    readers: tuple[tuple[str, Callable[[Path], object]], ...] = (
        (REVOKED, read_revoked),
        (TOKENS, list_tokens),
        (ENROLLMENTS, list_enrollments),
    )
    for name, read in readers:
        try:
            read(folder)
        except IdentityError as error:
            why = str(error).replace(f"{folder}/", "")
            found.append(LeftOut(path=f"{DATA}/identity/{name}", why=why))
    return found


def _copy(name: str, path: Path, scratch: Path) -> Copied | None:
    file = open_member(path)
    if file is None:
        return None
    with file, _new(scratch / name).open("xb") as copy:
        shutil.copyfileobj(file, copy)
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o777
    return Copied(name, scratch / name, mode)


def _write(name: str, octets: bytes, scratch: Path) -> Copied:
    _new(scratch / name).write_bytes(octets)
    return Copied(name, scratch / name, PRIVATE_FILE)


def _new(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _journal(identity: Path, before: BufferedReader | None) -> bytes | None:
    """All entries of the journal of before, and of one that was begun since."""
    now = open_member(identity / JOURNAL)
    with ExitStack() as held:
        parts = [before] if before else []
        if now is not None:
            held.enter_context(now)
            if before is None or not _is_same(before, now):
                parts.append(now)
        lines = [line for part in parts for line in part.read().splitlines()]
    return b"".join(line + b"\n" for line in lines) if parts else None


def _is_same(one: BufferedReader, other: BufferedReader) -> bool:
    return os.path.samestat(os.fstat(one.fileno()), os.fstat(other.fileno()))
