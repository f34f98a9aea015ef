"""Keeps revoked what was revoked after a backup was made.

The folder that a restore replaces knows it. Whatever it says only takes away: identities and
certificates stay revoked, and tokens, enrollments and accounts that are gone there stay gone. Of
each kind that it cannot say, because it is damaged, missing or of another authority, the person is
told that what was revoked since is trusted again.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from keyhole.control.backup.carried_over import (
    ACCOUNTS,
    ENROLLMENTS,
    KINDS,
    REVOCATIONS,
    TOKENS,
    CarriedOver,
)
from keyhole.control.backup.carry_over_accounts import carry_over_accounts, is_in_file
from keyhole.control.data_folder import DataFolder
from keyhole.identity import IdentityError, enrollments, revoked, tokens
from keyhole.identity.ca_files import read_bundle
from keyhole.identity.enrollments import Enrollments, list_enrollments
from keyhole.identity.issuance_log import read_issued, record
from keyhole.identity.json_file import write_document
from keyhole.identity.revoked import NotBefore, Revoked, read_revoked
from keyhole.identity.tokens import Tokens, list_tokens

Value = TypeVar("Value")


def carry_over(
    new: DataFolder, old: DataFolder | None, config: Path, *, is_postgresql: bool
) -> CarriedOver:
    """Takes away from the folder ``new``, which nobody uses yet, what is gone in ``old``, whose
    settings are in ``config``. ``is_postgresql``: the accounts of the backup are in a database
    server. Raises ``KeyholeError`` if ``new`` cannot be written."""
    done = CarriedOver()
    is_same = old is not None and _is_same_authority(new.identity, old.identity)
    same = old if is_same else None
    known = set()
    if _revocations(new.identity, old.identity if old else None, done) and same:
        known.add(REVOCATIONS)
    if _tokens(new.identity, same.identity if same else None, done):
        known.add(TOKENS)
    if _enrollments(new.identity, same.identity if same else None, done):
        known.add(ENROLLMENTS)
    if same:
        _issued(new.identity, same.identity)
    if new.database.exists():
        # A file of which nobody knows whether it is in use takes away all the same.
        is_used = is_in_file(same, config) if same else False
        database = same.database if same and is_used is not False else None
        if carry_over_accounts(new.database, database, done) and is_used:
            known.add(ACCOUNTS)
    elif not is_postgresql:
        known.add(ACCOUNTS)  # there are none
    done.unknown = [one for one in KINDS if one not in known]
    return done


def _try(read: Callable[[], Value]) -> Value | None:
    try:
        return read()
    except IdentityError:
        return None


def _is_same_authority(new: Path, old: Path) -> bool:
    one, other = _try(lambda: read_bundle(new)), _try(lambda: read_bundle(old))
    return any(root in (other or ()) for root in one or ())


def _revocations(new: Path, old: Path | None, done: CarriedOver) -> bool:
    """Whether the folder before could be read."""
    since = _try(lambda: read_revoked(old)) if old and old.is_dir() else None
    before = _try(lambda: read_revoked(new))
    if since is None:
        if before is None:
            done.notes.append(
                f"{_name(revoked.FILE)} in the backup is damaged or missing: revocations of its "
                "last snapshot stay in force, and no change is taken until keyhole setup --new"
            )
        return False
    merged, count = _merged(before or Revoked(), since)
    done.revocations = count
    if count or before is None:
        write_document(new / revoked.FILE, merged)
    if before is None:
        done.notes.append(
            f"{_name(revoked.FILE)} in the backup is damaged or missing: it is as in the folder "
            "that was replaced"
        )
    return True


def _merged(before: Revoked, since: Revoked) -> tuple[Revoked, int]:
    """Both, and how much is only in the later one."""
    known = {(one.domain, one.serial) for one in before.certificates}
    names = {one.id for one in before.identities}
    identities = [one for one in since.identities if one.id not in names]
    certificates = [one for one in since.certificates if (one.domain, one.serial) not in known]
    times = {one.id: one for one in before.not_before}
    later = [one for one in since.not_before if _is_later(one, times.get(one.id))]
    merged = Revoked(
        identities=(*before.identities, *identities),
        certificates=(*before.certificates, *certificates),
        not_before=tuple({**times, **{one.id: one for one in later}}.values()),
    )
    return merged, len(identities) + len(certificates) + len(later)


def _is_later(one: NotBefore, before: NotBefore | None) -> bool:
    return before is None or one.at > before.at


def _tokens(new: Path, old: Path | None, done: CarriedOver) -> bool:
    """Whether the folder before could be read."""
    kept = _try(lambda: list_tokens(old)) if old else None
    before = _try(lambda: list_tokens(new))
    if before is None:
        write_document(new / tokens.FILE, Tokens())
        done.notes.append(
            f"{_name(tokens.FILE)} in the backup is damaged or missing: no token is valid; make "
            "them again (keyhole token create)"
        )
        return True  # nothing of it is trusted
    if kept is None:
        return False
    known = {(one.name, one.sha256) for one in kept}
    after = tuple(one for one in before if (one.name, one.sha256) in known)
    done.tokens = [one.name for one in before if one not in after]
    if done.tokens:
        write_document(new / tokens.FILE, Tokens(tokens=after))
    return True


def _enrollments(new: Path, old: Path | None, done: CarriedOver) -> bool:
    """Whether the folder before could be read. A secret that works once may have been used since
    the backup: it is kept only where that folder says that it was not."""
    kept = _try(lambda: list_enrollments(old)) if old else None
    before = _try(lambda: list_enrollments(new))
    if before is None:
        write_document(new / enrollments.FILE, Enrollments())
        done.notes.append(
            f"{_name(enrollments.FILE)} in the backup is damaged or missing: none is left; make "
            "them again (keyhole enroll create)"
        )
        return True  # nothing of it is trusted
    waiting = {one.sha256 for one in kept or () if one.state() == "waiting"}
    after = tuple(one for one in before if one.state() != "waiting" or one.sha256 in waiting)
    done.enrollments = [one.name for one in before if one not in after]
    if done.enrollments:
        write_document(new / enrollments.FILE, Enrollments(enrollments=after))
    return kept is not None


def _issued(new: Path, old: Path) -> None:
    """Certificates issued since, so that they can be revoked by name."""
    with suppress(IdentityError):
        known = {one.serial for one in read_issued(new)}
        for one in read_issued(old):
            if one.serial not in known:
                record(new, one)


def _name(file: str) -> str:
    return f"identity/{file}"
