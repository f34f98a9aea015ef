"""Certificates that our authority has issued to clients, and what is revoked."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from keyhole.control.clients.model import CertificateState, ClientCertificate
from keyhole.identity.issuance_log import FILE, IssuanceRecord, read_issued
from keyhole.identity.revoked import Revoked, read_revoked
from keyhole.identity.sign import BACKDATE


@dataclass(frozen=True)
class IssuedCertificates:
    """All certificates with a SPIFFE ID, and the revocations, at one time."""

    by_identity: dict[str, tuple[IssuanceRecord, ...]]
    revoked: Revoked
    now: datetime

    @classmethod
    def read(cls, folder: Path) -> "IssuedCertificates":
        """Reads the folder of our authority; raises ``IdentityError`` if it cannot be read."""
        return cls(_issued(folder), read_revoked(folder), datetime.now(UTC))

    def state(self, one: IssuanceRecord) -> CertificateState:
        """Whether a certificate is accepted, and if not, why."""
        spiffe = one.spiffe or ""
        if self.revoked.has(spiffe, one.serial, one.time - BACKDATE):
            return "revoked"
        return "good" if one.is_valid(self.now) else "expired"

    def of(self, identity: str) -> list[ClientCertificate]:
        """The certificates of an identity, newest first."""
        return [
            ClientCertificate(
                serial=one.serial,
                issued=one.time,
                ends=one.not_after,
                state=self.state(one),
                how=one.how,
            )
            for one in reversed(self.by_identity.get(identity, ()))
        ]

    def name(self, identity: str) -> str | None:
        """The name under which it was issued last."""
        names = (one.name for one in reversed(self.by_identity.get(identity, ())))
        return next((name for name in names if name), None)

    def end(self, identity: str) -> datetime | None:
        """When the newest certificate that is accepted ends; none without one."""
        good = (
            one.not_after for one in self.by_identity.get(identity, ()) if self.state(one) == "good"
        )
        return max(good, default=None)

    def revoked_since(self, identity: str) -> datetime | None:
        """When the identity with all its certificates was revoked; none if it is not."""
        found = (one.since for one in self.revoked.identities if one.id == identity)
        return next(found, None)


def _issued(folder: Path) -> dict[str, tuple[IssuanceRecord, ...]]:
    try:
        now = (folder / FILE).stat()
    except FileNotFoundError:
        return {}
    except OSError:
        return _grouped(folder)
    # Each renewal adds a line, so that years of them are not read again for each request.
    return _read_once(folder, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=2)
def _read_once(folder: Path, _changed: int, _size: int) -> dict[str, tuple[IssuanceRecord, ...]]:
    return _grouped(folder)


def _grouped(folder: Path) -> dict[str, tuple[IssuanceRecord, ...]]:
    found: dict[str, list[IssuanceRecord]] = defaultdict(list)
    for one in read_issued(folder):
        if one.spiffe is not None:
            found[one.spiffe].append(one)
    return {identity: tuple(ones) for identity, ones in found.items()}
