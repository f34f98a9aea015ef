"""``revoked.json``: identities and certificates that the engine refuses despite a valid chain."""

import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, Field, field_validator

from keyhole.identity.error import IdentityError
from keyhole.identity.files import locked, make_private_folder
from keyhole.identity.json_file import read_document, write_document
from keyhole.model.field_types import Boundary
from keyhole.model.spiffe import read_spiffe_id, read_trust_domain, trust_domain_of

FILE = "revoked.json"

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


class Revoked(Boundary):
    """The whole file."""

    identities: tuple[RevokedIdentity, ...] = ()
    certificates: tuple[RevokedCertificate, ...] = ()

    def has(self, spiffe: str, serial: str) -> bool:
        """Whether a certificate of that identity with that serial number is refused."""
        domain = trust_domain_of(spiffe)
        return self.has_identity(spiffe) or any(
            (one.domain, one.serial) == (domain, serial) for one in self.certificates
        )

    def has_identity(self, spiffe: str) -> bool:
        """Whether all certificates of an identity are refused."""
        return any(one.id == spiffe for one in self.identities)


def read_revoked(folder: Path) -> Revoked:
    """Reads the revocations; raises :class:`IdentityError` if the file is unreadable."""
    return read_document(folder / FILE, Revoked)


def read_serial(text: str) -> str:
    """Normalizes a serial number, such as ``0A:1B``, ``0x0a1b`` or ``a1b``."""
    plain = text.strip().lower().removeprefix("0x").replace(":", "").lstrip("0")
    if not _SERIAL.fullmatch(plain):
        raise IdentityError(f"{text!r} is not a serial number; give it in hexadecimal")
    return plain


def revoke(
    folder: Path,
    *,
    identities: frozenset[str] = frozenset(),
    certificates: frozenset[tuple[str, str, str | None]] = frozenset(),
    now: datetime | None = None,
) -> int:
    """Revokes identities and certificates (trust domain, serial, identity).

    Returns how many of them were not revoked before.
    """
    since = now or datetime.now(UTC)
    make_private_folder(folder)
    with locked(folder):
        before = read_revoked(folder)
        known = {(one.domain, one.serial) for one in before.certificates}
        more = [
            RevokedIdentity(id=one, since=since)
            for one in sorted(identities)
            if not before.has_identity(one)
        ]
        others = [
            RevokedCertificate(domain=domain, serial=serial, id=spiffe, since=since)
            for domain, serial, spiffe in sorted(certificates, key=lambda one: one[:2])
            if (domain, serial) not in known
        ]
        if more or others:
            after = Revoked(
                identities=(*before.identities, *more),
                certificates=(*before.certificates, *others),
            )
            write_document(folder / FILE, after)
        return len(more) + len(others)


def unrevoke(
    folder: Path,
    *,
    identities: frozenset[str] = frozenset(),
    serials: frozenset[str] = frozenset(),
) -> int:
    """Removes revocations of identities with all their certificates, and of serial numbers.

    Returns how many were removed.
    """
    make_private_folder(folder)
    with locked(folder):
        before = read_revoked(folder)
        after = Revoked(
            identities=tuple(one for one in before.identities if one.id not in identities),
            certificates=tuple(
                one
                for one in before.certificates
                if one.serial not in serials and one.id not in identities
            ),
        )
        if after != before:
            write_document(folder / FILE, after)
        return (
            len(before.identities)
            - len(after.identities)
            + len(before.certificates)
            - len(after.certificates)
        )
