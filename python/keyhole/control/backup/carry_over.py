"""Keeps revoked what was revoked after a backup was made.

The folder that a restore replaces knows it. Whatever it says only takes away: identities and
certificates stay revoked, and tokens, enrollments and accounts that are gone there stay gone. Where
it cannot be read, what was revoked since is not known, and the person is told.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import delete, func, select, update

from keyhole.control.data_folder import DataFolder
from keyhole.identity import IdentityError
from keyhole.identity.ca_files import read_bundle
from keyhole.identity.enrollments import FILE as ENROLLMENTS
from keyhole.identity.enrollments import Enrollments, list_enrollments
from keyhole.identity.issuance_log import read_issued, record
from keyhole.identity.json_file import write_document
from keyhole.identity.revoked import FILE as REVOKED
from keyhole.identity.revoked import NotBefore, Revoked, read_revoked
from keyhole.identity.tokens import FILE as TOKENS
from keyhole.identity.tokens import Tokens, list_tokens
from keyhole.store import Database
from keyhole.store.tables.people import API_TOKENS, PEOPLE, SESSIONS

_ADMINISTRATOR = "administrator"
Found = TypeVar("Found")


@dataclass
class CarriedOver:
    """What a restore took away from the backup. ``is_known``: whether the folder before said what
    was revoked since."""

    is_known: bool = False
    revocations: int = 0
    tokens: list[str] = field(default_factory=list)
    enrollments: list[str] = field(default_factory=list)
    api_tokens: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)

    def detail(self) -> dict[str, Any]:
        """For the audit record and for programs."""
        return dict(vars(self))


def carry_over(new: DataFolder, old: DataFolder | None) -> CarriedOver:
    """Takes away from the folder ``new``, which nobody uses yet, what is gone in ``old``. Raises
    ``KeyholeError`` if ``new`` cannot be written."""
    done = CarriedOver()
    if old is not None:
        _revocations(new.identity, old.identity, done)
    is_same = old is not None and _is_same_authority(new.identity, old.identity)
    _tokens(new.identity, old.identity if old and is_same else None, done)
    _enrollments(new.identity, old.identity if old and is_same else None, done)
    if old and is_same:
        _issued(new.identity, old.identity)
    if new.database.exists():
        _accounts(new.database, old.database if old and is_same else None, done)
    return done


def _try(read: Callable[[], Found]) -> Found | None:
    try:
        return read()
    except IdentityError:
        return None


def _is_same_authority(new: Path, old: Path) -> bool:
    one, other = _try(lambda: read_bundle(new)), _try(lambda: read_bundle(old))
    return any(root in (other or ()) for root in one or ())


def _revocations(new: Path, old: Path, done: CarriedOver) -> None:
    if not old.is_dir():
        return
    since, before = _try(lambda: read_revoked(old)), read_revoked(new)
    if since is None:
        return
    done.is_known = True
    known = {(one.domain, one.serial) for one in before.certificates}
    identities = [one for one in since.identities if not before.has_identity(one.id)]
    certificates = [one for one in since.certificates if (one.domain, one.serial) not in known]
    times = {one.id: one for one in before.not_before}
    later = [one for one in since.not_before if _is_later(one, times.get(one.id))]
    done.revocations = len(identities) + len(certificates) + len(later)
    if done.revocations:
        merged = Revoked(
            identities=(*before.identities, *identities),
            certificates=(*before.certificates, *certificates),
            not_before=tuple({**times, **{one.id: one for one in later}}.values()),
        )
        write_document(new / REVOKED, merged)


def _is_later(one: NotBefore, before: NotBefore | None) -> bool:
    return before is None or one.at > before.at


def _tokens(new: Path, old: Path | None, done: CarriedOver) -> None:
    kept = _try(lambda: list_tokens(old)) if old else None
    if kept is None:
        return
    known = {(one.name, one.sha256) for one in kept}
    before = list_tokens(new)
    after = tuple(one for one in before if (one.name, one.sha256) in known)
    done.tokens = [one.name for one in before if one not in after]
    if done.tokens:
        write_document(new / TOKENS, Tokens(tokens=after))


def _enrollments(new: Path, old: Path | None, done: CarriedOver) -> None:
    """A secret that works once may have been used since the backup: it is kept only where the
    folder before says that it was not."""
    kept = _try(lambda: list_enrollments(old)) if old else None
    waiting = {one.sha256 for one in kept or () if one.state() == "waiting"}
    before = list_enrollments(new)
    after = tuple(one for one in before if one.state() != "waiting" or one.sha256 in waiting)
    done.enrollments = [one.name for one in before if one not in after]
    if done.enrollments:
        write_document(new / ENROLLMENTS, Enrollments(enrollments=after))


def _issued(new: Path, old: Path) -> None:
    """Certificates issued since, so that they can be revoked by name."""
    with suppress(IdentityError):
        known = {one.serial for one in read_issued(new)}
        for one in read_issued(old):
            if one.serial not in known:
                record(new, one)


def _accounts(new: Path, old: Path | None, done: CarriedOver) -> None:
    """Ends every session, and takes API tokens and people away that are gone in the old one."""
    database = Database.in_file(new, may_be_new=False)
    try:
        known = _known_accounts(old) if old else None
        with database.begin() as connection:
            connection.execute(delete(SESSIONS))
            if known is None:
                return
            digests, people = known
            for row in connection.execute(select(API_TOKENS)).all():
                if row.digest not in digests:
                    done.api_tokens.append(row.name)
                    connection.execute(delete(API_TOKENS).where(API_TOKENS.c.name == row.name))
            gone = [
                row.name
                for row in connection.execute(select(PEOPLE)).all()
                if not row.is_disabled and row.name not in people
            ]
            remaining = select(func.count()).where(
                PEOPLE.c.role == _ADMINISTRATOR,
                PEOPLE.c.is_disabled.is_(False),
                PEOPLE.c.name.notin_(gone),
            )
            # Without anybody who can change people, nobody could enable them again.
            if gone and connection.execute(remaining).scalar_one():
                done.people = gone
                disabled = update(PEOPLE).where(PEOPLE.c.name.in_(gone))
                connection.execute(disabled.values(is_disabled=True))
    finally:
        database.close()


def _known_accounts(old: Path) -> tuple[set[str], set[str]] | None:
    """Digests of the API tokens, and people who are not disabled; none if it cannot be read."""
    if not old.exists():
        return None
    try:
        url = f"{old.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(url, uri=True)) as connection:
            digests = {row[0] for row in connection.execute("SELECT digest FROM api_tokens")}
            sql = "SELECT name FROM people WHERE NOT is_disabled"
            return digests, {row[0] for row in connection.execute(sql)}
    except sqlite3.Error:
        return None
