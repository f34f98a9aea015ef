"""``journal.jsonl``: what changed in the identity folder, who changed it, and why.

Control moves the entries into the audit record. Commands write here, since they also work while
control does not run.
"""

import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, ValidationError

from keyhole.identity.error import IdentityError
from keyhole.identity.files import locked, make_private_folder, write_errors
from keyhole.model.field_types import Boundary
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

FILE = "journal.jsonl"
MAX_OCTETS = 1024 * 1024
"""A larger journal is removed once control has taken all of its entries."""


@dataclass(frozen=True)
class Author:
    """Who changes something: ``via`` is how, ``address`` from where, ``why`` their reason."""

    name: str
    via: str
    address: str | None = None
    why: str | None = None

    @classmethod
    def of_command(cls, why: str | None = None) -> "Author":
        """The system's user who runs this command."""
        return cls(f"local:{user_name(os.geteuid())}", "command", why=why)


KEYHOLE = Author("keyhole", "certificates")
"""Keyhole itself, which makes and renews its own certificates."""


class JournalEntry(Boundary):
    """One change. ``id`` is unique, so that an entry is never taken twice."""

    id: str
    time: AwareDatetime
    who: str
    via: str
    address: str | None
    why: str | None
    action: str
    detail: dict[str, Any]


def user_name(uid: int) -> str:
    """The name of a system user; the number where there is no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def note(folder: Path, author: Author, action: str, detail: dict[str, Any]) -> None:
    """Appends an entry and waits until it is on disk. The caller holds the lock of the folder."""
    entry = JournalEntry(
        id=secrets.token_hex(8),
        time=datetime.now(UTC),
        who=author.name,
        via=author.via,
        address=author.address,
        why=author.why,
        action=action,
        detail=detail,
    )
    path = folder / FILE
    with write_errors(path):
        durable.append_line(path, entry.model_dump_json().encode())


@contextmanager
def noted(folder: Path, author: Author, action: str, detail: dict[str, Any]) -> Iterator[None]:
    """Writes the entry before the change in the block: what leaves no trace must not happen.

    A change that then fails has a second entry that says so.
    """
    note(folder, author, action, detail)
    try:
        yield
    except BaseException as error:
        with suppress(IdentityError):
            note(folder, author, f"{action}_failed", {**detail, "error": str(error)})
        raise


def read_journal(folder: Path) -> list[JournalEntry]:
    """All entries, oldest first. A line that a crash cut short is skipped."""
    path = folder / FILE
    try:
        lines = read_whole(path).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}") from error
    entries = []
    for line in lines:
        with suppress(ValidationError):
            entries.append(JournalEntry.model_validate_json(line))
    return entries


def drop_journal(folder: Path, last: str) -> None:
    """Removes a large journal whose last entry is ``last``, so that it does not grow for ever."""
    path = folder / FILE
    if not path.exists() or path.stat().st_size <= MAX_OCTETS:
        return
    make_private_folder(folder)
    with locked(folder):
        entries = read_journal(folder)
        if entries and entries[-1].id == last:
            with write_errors(path):
                durable.remove(path)
