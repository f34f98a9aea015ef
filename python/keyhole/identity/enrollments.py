"""``enrollments.json``: secrets by which a client gets its first certificate, each once."""

import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, Field

from keyhole.identity.authority import Authority, IssuedCertificate
from keyhole.identity.certificate_spec import SVID_LIFE, CertificateSpec
from keyhole.identity.error import IdentityError, RefusedError
from keyhole.identity.files import locked
from keyhole.identity.json_file import read_document, write_document
from keyhole.identity.revoked import read_revoked
from keyhole.identity.signing_request import read_request
from keyhole.identity.tokens import digest, new_secret
from keyhole.model.field_types import Boundary

FILE = "enrollments.json"
VALID_FOR = timedelta(hours=1)
MAX_VALID_FOR = timedelta(days=30)
# How long one that is over stays in the list, so that people see what became of it.
_REMEMBERED = timedelta(days=30)


class Enrollment(Boundary):
    """One secret, known by its digest alone, and what it is good for; ``life`` is in seconds."""

    name: str
    spiffe: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    life: int
    also_server: bool
    created: AwareDatetime
    expires: AwareDatetime
    redeemed: AwareDatetime | None = None

    def state(self, now: datetime | None = None) -> str:
        """``waiting``, ``used`` or ``expired``."""
        if self.redeemed is not None:
            return "used"
        return "waiting" if self.expires > (now or datetime.now(UTC)) else "expired"

    @property
    def wish(self) -> CertificateSpec:
        """The certificate that it gives."""
        life = timedelta(seconds=self.life)
        return CertificateSpec.svid(self.spiffe, life, also_server=self.also_server)


class Enrollments(Boundary):
    """The whole file."""

    enrollments: tuple[Enrollment, ...] = ()


def list_enrollments(folder: Path) -> tuple[Enrollment, ...]:
    """All that are remembered, in the order in which they were made."""
    return read_document(folder / FILE, Enrollments).enrollments


def create_enrollment(
    folder: Path,
    name: str,
    spiffe: str,
    *,
    life: timedelta = SVID_LIFE,
    valid_for: timedelta = VALID_FOR,
    also_server: bool = False,
    replace: bool = False,
    now: datetime | None = None,
) -> tuple[Enrollment, str]:
    """Makes one; gives it and its secret, of which only the digest is kept.

    Raises :class:`IdentityError` when it could never be redeemed, and when one of that name waits
    already, unless ``replace`` ends it.
    """
    now = now or datetime.now(UTC)
    if not timedelta(minutes=1) <= valid_for <= MAX_VALID_FOR:
        raise IdentityError("a token for an enrollment is valid for 1 minute to 30 days")
    secret = new_secret()
    made = Enrollment(
        name=name,
        spiffe=spiffe,
        sha256=digest(secret),
        life=round(life.total_seconds()),
        also_server=also_server,
        created=now,
        expires=now + valid_for,
    )
    Authority.open(folder, now=now).must_sign(made.wish, now)
    with locked(folder):
        if read_revoked(folder).has_identity(spiffe):
            raise IdentityError(
                f"{spiffe} is revoked, so its certificate would be refused; take that back with "
                f"keyhole identity revoke --undo {spiffe}, or give another identity"
            )
        others = [one for one in list_enrollments(folder) if one.expires > now - _REMEMBERED]
        if any(one.name == name and one.state(now) == "waiting" for one in others):
            if not replace:
                raise IdentityError(
                    f"an enrollment {name} waits already; give --replace to end it, or another name"
                )
            others = [one for one in others if one.name != name or one.state(now) != "waiting"]
        write_document(folder / FILE, Enrollments(enrollments=(*others, made)))
    return made, secret


def cancel_enrollment(folder: Path, name: str, now: datetime | None = None) -> None:
    """Ends one that waits; raises :class:`IdentityError` when none of that name does."""
    with locked(folder):
        all_of_them = list_enrollments(folder)
        left = tuple(one for one in all_of_them if one.name != name or one.state(now) != "waiting")
        if len(left) == len(all_of_them):
            raise IdentityError(f"no enrollment {name} waits; see keyhole enroll list")
        write_document(folder / FILE, Enrollments(enrollments=left))


def redeem(
    folder: Path, secret: str, request: bytes, *, how: str, now: datetime | None = None
) -> tuple[Enrollment, IssuedCertificate]:
    """Gives a certificate for the key of the request, once for each secret.

    Raises :class:`RequestError` for what cannot be read, which leaves the secret good, and
    :class:`RefusedError` for a secret that is not good any more or never was.
    """
    now = now or datetime.now(UTC)
    key = read_request(request)
    authority = Authority.open(folder, now=now)
    with locked(folder):
        known = list_enrollments(folder)
        found = _find(known, secret)
        _check_usable(found, now)
        if read_revoked(folder).has_identity(found.spiffe):
            raise RefusedError(f"{found.spiffe} is revoked")
        authority.must_sign(found.wish, now)
        # Used before the certificate exists: a crash between the two costs a token, the other order
        # would let it be used twice.
        used = found.model_copy(update={"redeemed": now})
        after = tuple(used if one is found else one for one in known)
        write_document(folder / FILE, Enrollments(enrollments=after))
        return used, authority.certify(found.wish, key, now, how=how, name=found.name)


def _find(known: tuple[Enrollment, ...], secret: str) -> Enrollment:
    given, found = digest(secret), None
    for one in known:
        if hmac.compare_digest(one.sha256, given):
            found = one
    if found is None:
        raise RefusedError(
            "nobody knows this token; it was canceled or replaced, or is of another Keyhole"
        )
    return found


def _check_usable(one: Enrollment, now: datetime) -> None:
    if one.redeemed is not None:
        raise RefusedError(
            f"this token was used on {one.redeemed:%Y-%m-%d %H:%M} UTC, and each works once; if "
            f"that was not you, have {one.name} revoked; otherwise ask for a new token"
        )
    if one.expires <= now:
        raise RefusedError(
            f"this token expired on {one.expires:%Y-%m-%d %H:%M} UTC; ask for a new one"
        )
