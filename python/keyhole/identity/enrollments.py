"""``enrollments.json``: single-use secrets with which clients get their first certificate."""

import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, Field

from keyhole.identity.authority import Authority, IssuedCertificate
from keyhole.identity.certificate_spec import SVID_LIFE, CertificateSpec
from keyhole.identity.error import IdentityError, RefusedError, TakenError, refused_with
from keyhole.identity.files import locked
from keyhole.identity.journal import Author, noted
from keyhole.identity.json_file import read_document, write_document
from keyhole.identity.revoked import read_revoked
from keyhole.identity.signing_request import read_request
from keyhole.identity.tokens import digest, new_secret
from keyhole.model.field_types import Boundary

FILE = "enrollments.json"
VALID_FOR = timedelta(hours=1)
MAX_VALID_FOR = timedelta(days=30)
# How long a used or expired enrollment stays in the list, for the operator to see.
_REMEMBERED = timedelta(days=30)


class Enrollment(Boundary):
    """The digest of one secret, and the certificate it grants; ``life`` is in seconds."""

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
    def spec(self) -> CertificateSpec:
        """The certificate that it grants."""
        life = timedelta(seconds=self.life)
        return CertificateSpec.svid(self.spiffe, life, also_server=self.also_server)


class Enrollments(Boundary):
    """The whole file."""

    enrollments: tuple[Enrollment, ...] = ()


def list_enrollments(folder: Path) -> tuple[Enrollment, ...]:
    """All stored enrollments, oldest first."""
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
    author: Author | None = None,
    now: datetime | None = None,
) -> tuple[Enrollment, str]:
    """Creates an enrollment; returns it and its secret, of which only the digest is stored.

    Raises :class:`IdentityError` if it could never be redeemed, and if an enrollment of that name
    is waiting, unless ``replace`` is set.
    """
    now = now or datetime.now(UTC)
    if not timedelta(minutes=1) <= valid_for <= MAX_VALID_FOR:
        raise IdentityError("a token for an enrollment is valid for 1 minute to 30 days")
    secret = new_secret()
    new = Enrollment(
        name=name,
        spiffe=spiffe,
        sha256=digest(secret),
        life=round(life.total_seconds()),
        also_server=also_server,
        created=now,
        expires=now + valid_for,
    )
    Authority.open(folder, now=now).check_can_sign(new.spec, now)
    with locked(folder):
        if read_revoked(folder).has_identity(spiffe):
            raise IdentityError(
                f"{spiffe} is revoked, so its certificate would be refused; undo that with "
                f"keyhole identity revoke --undo {spiffe}, or give another identity"
            )
        kept = [one for one in list_enrollments(folder) if one.expires > now - _REMEMBERED]
        others = kept
        if any(one.name == name and one.state(now) == "waiting" for one in others):
            if not replace:
                raise TakenError(
                    f"an enrollment {name} is waiting already; replace it, or give another name"
                )
            others = [one for one in others if one.name != name or one.state(now) != "waiting"]
        detail = {
            "enrollment": name,
            "identity": spiffe,
            "expires": new.expires.isoformat(),
            "before": "waiting" if replace and len(others) < len(kept) else None,
            "after": "waiting",
        }
        with noted(folder, author or Author.of_command(), "create_enrollment", detail):
            write_document(folder / FILE, Enrollments(enrollments=(*others, new)))
    return new, secret


def cancel_enrollment(
    folder: Path, name: str, now: datetime | None = None, author: Author | None = None
) -> None:
    """Removes a waiting enrollment; raises :class:`IdentityError` if there is none."""
    with locked(folder):
        before = list_enrollments(folder)
        after = tuple(one for one in before if one.name != name or one.state(now) != "waiting")
        if len(after) == len(before):
            raise IdentityError(f"no enrollment {name} is waiting; see keyhole enroll list")
        detail = {"enrollment": name, "before": "waiting", "after": None}
        with noted(folder, author or Author.of_command(), "cancel_enrollment", detail):
            write_document(folder / FILE, Enrollments(enrollments=after))


def redeem(
    folder: Path,
    secret: str,
    request: bytes,
    *,
    how: str,
    address: str | None = None,
    now: datetime | None = None,
) -> tuple[Enrollment, IssuedCertificate]:
    """Issues a certificate for the key of the signing request; each secret works once.

    Raises :class:`RequestError` for an unreadable request, which leaves the secret usable, and
    :class:`RefusedError` for a secret that is unknown, used or expired.
    """
    now = now or datetime.now(UTC)
    key = read_request(request)
    authority = Authority.open(folder, now=now)
    with locked(folder):
        known = list_enrollments(folder)
        found = _find(known, secret)
        with refused_with(f"the token of {found.name}"):
            _check_usable(found, now)
            _check_not_revoked(folder, found)
            authority.check_can_sign(found.spec, now)
            # Marked as used before the certificate exists: a crash between the two steps wastes a
            # token; in the other order the token could be used twice.
            used = found.model_copy(update={"redeemed": now})
            after = tuple(used if one is found else one for one in known)
            write_document(folder / FILE, Enrollments(enrollments=after))
            author = Author(f"enrollment:{found.name}", "enrollment", address)
            return used, authority.certify(
                found.spec, key, now, how=how, name=found.name, author=author
            )


def _find(known: tuple[Enrollment, ...], secret: str) -> Enrollment:
    given, found = digest(secret), None
    for one in known:
        if hmac.compare_digest(one.sha256, given):
            found = one
    if found is None:
        raise RefusedError(
            "this token is unknown; it was canceled or replaced, or belongs to another Keyhole"
        )
    return found


def _check_not_revoked(folder: Path, one: Enrollment) -> None:
    revoked = read_revoked(folder)
    if revoked.has_identity(one.spiffe):
        raise RefusedError(f"{one.spiffe} is revoked")
    older = revoked.older(one.spiffe)
    if older is not None and one.created < older.since:
        raise RefusedError(
            f"the certificates of {one.spiffe} were revoked after this token was made; ask for a "
            "new token"
        )


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
