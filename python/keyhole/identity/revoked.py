"""``revoked.json``: identities and certificates that the engine refuses despite a valid chain."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, Field, field_validator

from keyhole.identity.ca_files import read_domain
from keyhole.identity.error import IdentityError
from keyhole.identity.files import locked, make_private_folder
from keyhole.identity.issuance_log import read_issued
from keyhole.identity.journal import Author, noted
from keyhole.identity.json_file import read_document, write_document
from keyhole.identity.sign import BACKDATE
from keyhole.model.field_types import Boundary
from keyhole.model.spiffe import (
    DEFAULT_TRUST_DOMAIN,
    read_spiffe_id,
    read_trust_domain,
    trust_domain_of,
)

FILE = "revoked.json"
MAX_GRACE = timedelta(days=366)
"""An expired certificate may be renewed for at most so long, whatever the settings say."""

_SERIAL = re.compile(r"[0-9a-f]{1,40}")


class RevokedIdentity(Boundary):
    """All present and future certificates of one identity."""

    id: str
    since: AwareDatetime

    @field_validator("id")
    @classmethod
    def _is_one(cls, value: str) -> str:
        return read_spiffe_id(value)


class RevokedCertificate(Boundary):
    """One certificate, by the trust domain that issued it and its serial number."""

    domain: str
    serial: str = Field(pattern="^[0-9a-f]+$")
    id: str | None
    since: AwareDatetime

    @field_validator("domain")
    @classmethod
    def _is_one(cls, value: str) -> str:
        return read_trust_domain(value)


class NotBefore(Boundary):
    """All certificates of one identity that were issued before a time.

    ``at`` is compared with notBefore in the certificate. ``since`` is the time of the revocation:
    what was issued, renewed or invited before it is refused.
    """

    id: str
    at: AwareDatetime
    since: AwareDatetime

    @field_validator("id")
    @classmethod
    def _is_one(cls, value: str) -> str:
        return read_spiffe_id(value)


class Revoked(Boundary):
    """The whole file."""

    identities: tuple[RevokedIdentity, ...] = ()
    certificates: tuple[RevokedCertificate, ...] = ()
    not_before: tuple[NotBefore, ...] = ()

    def has(self, spiffe: str, serial: str, begin: datetime) -> bool:
        """Whether a certificate is refused: by its identity, its serial number, or ``begin``, which
        is its notBefore."""
        domain = trust_domain_of(spiffe)
        older = self.older(spiffe)
        return (
            self.has_identity(spiffe)
            or any((one.domain, one.serial) == (domain, serial) for one in self.certificates)
            or (older is not None and begin < older.at)
        )

    def has_identity(self, spiffe: str) -> bool:
        """Whether all certificates of an identity are refused."""
        return any(one.id == spiffe for one in self.identities)

    def older(self, spiffe: str) -> NotBefore | None:
        """The time before which certificates of an identity are refused."""
        return next((one for one in self.not_before if one.id == spiffe), None)


def read_revoked(folder: Path) -> Revoked:
    """Reads the revocations; raises :class:`IdentityError` if the file is unreadable."""
    return read_document(folder / FILE, Revoked)


def read_serial(text: str) -> str:
    """Normalizes a serial number, such as ``0A:1B``, ``0x0a1b`` or ``a1b``."""
    plain = text.strip().lower().removeprefix("0x").replace(":", "").lstrip("0")
    if not _SERIAL.fullmatch(plain):
        raise IdentityError(f"{text!r} is not a serial number; give it in hexadecimal")
    return plain


@dataclass(frozen=True)
class Targets:
    """What is revoked or given back.

    ``certificates`` are (trust domain, serial, identity). ``older`` are identities of which only
    what was issued so far is meant.
    """

    identities: frozenset[str] = frozenset()
    certificates: frozenset[tuple[str, str, str | None]] = frozenset()
    older: frozenset[str] = frozenset()


def revoke(
    folder: Path, targets: Targets, author: Author | None = None, now: datetime | None = None
) -> int:
    """Revokes; returns how much was not revoked before.

    Holds the lock of the folder, as whoever issues does: a certificate is issued either before and
    then revoked, or afterwards and then checked.
    """
    make_private_folder(folder)
    with locked(folder):
        # Not before the lock is there: whoever held it may have issued in a later second.
        since = now or datetime.now(UTC)
        before = read_revoked(folder)
        certificates = {*targets.certificates, *_issued_to(folder, targets.older, since)}
        known = {(one.domain, one.serial) for one in before.certificates}
        identities = [one for one in sorted(targets.identities) if not before.has_identity(one)]
        serials = [
            one for one in sorted(certificates, key=lambda one: one[:2]) if one[:2] not in known
        ]
        domain = read_domain(folder) or DEFAULT_TRUST_DOMAIN
        times = [
            _not_before(one, domain, since)
            for one in sorted(targets.older)
            # Nothing new was issued here since the last time. Of other authorities nobody knows.
            if trust_domain_of(one) != domain
            or before.older(one) is None
            or one in {spiffe for _, _, spiffe in serials}
        ]
        after = Revoked(
            identities=(
                *before.identities,
                *(RevokedIdentity(id=one, since=since) for one in identities),
            ),
            certificates=(
                *before.certificates,
                *(
                    RevokedCertificate(domain=domain, serial=serial, id=spiffe, since=since)
                    for domain, serial, spiffe in serials
                ),
            ),
            not_before=(
                *(one for one in before.not_before if one.id not in {new.id for new in times}),
                *times,
            ),
        )
        if after == before:
            return 0
        _write(folder, "revoke", before, after, author)
        return len(identities) + (len(serials) or len(times))


def unrevoke(folder: Path, targets: Targets, author: Author | None = None) -> int:
    """Removes revocations of identities with all their certificates, and of serial numbers.

    Returns how many were removed. Raises :class:`IdentityError` for a serial number that stays
    refused, because everything was revoked that its identity had then.
    """
    make_private_folder(folder)
    serials = {serial for _, serial, _ in targets.certificates}
    every = targets.identities | targets.older
    with locked(folder):
        before = read_revoked(folder)
        _refuse_older(before, serials, every)
        after = Revoked(
            identities=tuple(one for one in before.identities if one.id not in targets.identities),
            certificates=tuple(
                one
                for one in before.certificates
                if one.serial not in serials and one.id not in every
            ),
            not_before=tuple(one for one in before.not_before if one.id not in every),
        )
        if after == before:
            return 0
        _write(folder, "unrevoke", before, after, author)
        taken = len(before.identities) - len(after.identities)
        certificates = len(before.certificates) - len(after.certificates)
        return taken + (certificates or len(before.not_before) - len(after.not_before))


def first_moment(revoked: Revoked, spiffe: str | None, now: datetime) -> datetime:
    """When a certificate that is issued at ``now`` has to begin, so that it is not refused as one
    from before a revocation in the same second."""
    older = revoked.older(spiffe) if spiffe else None
    return now if older is None else max(now, older.since)


def _issued_to(
    folder: Path, identities: frozenset[str], now: datetime
) -> Iterator[tuple[str, str, str | None]]:
    """What may still be used or renewed, so that people see it as revoked."""
    for one in read_issued(folder) if identities else ():
        if one.spiffe in identities and one.not_after + MAX_GRACE > now:
            yield trust_domain_of(one.spiffe), one.serial, one.spiffe


def _not_before(spiffe: str, domain: str, now: datetime) -> NotBefore:
    # Certificates have whole seconds: the next one is surely after everything issued so far.
    since = now.replace(microsecond=0) + timedelta(seconds=1)
    # What we issue begins earlier than it was issued; of other authorities that is not known.
    at = since - BACKDATE if trust_domain_of(spiffe) == domain else since
    return NotBefore(id=spiffe, at=at, since=since)


def _refuse_older(before: Revoked, serials: set[str], every: frozenset[str]) -> None:
    for one in before.certificates:
        if one.serial in serials and one.id not in every and one.id and before.older(one.id):
            raise IdentityError(
                f"{one.serial} was issued to {one.id} before its certificates were revoked; take "
                f"all of that back with keyhole identity revoke --undo --certificates {one.id}"
            )


def _write(
    folder: Path, action: str, before: Revoked, after: Revoked, author: Author | None
) -> None:
    detail = {"before": _shown(before, after), "after": _shown(after, before)}
    with noted(folder, author or Author.of_command(), action, detail):
        write_document(folder / FILE, after)


def _shown(one: Revoked, other: Revoked) -> dict[str, list[str]]:
    """What stands in one and not in the other."""
    parts = {
        "identities": [each.id for each in one.identities if each not in other.identities],
        "certificates": [
            f"{each.serial} of {each.id or each.domain}"
            for each in one.certificates
            if each not in other.certificates
        ],
        "issued_before": [
            f"{each.id} before {each.since:%Y-%m-%dT%H:%M:%SZ}"
            for each in one.not_before
            if each not in other.not_before
        ],
    }
    return {name: values for name, values in parts.items() if values}
