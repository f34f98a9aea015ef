"""Renewal: a new certificate for the holder of the previous key, also after it expired."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyhole.identity.authority import Authority, IssuedCertificate
from keyhole.identity.ca_files import read_bundle
from keyhole.identity.certificate_and_key import alternative_names
from keyhole.identity.certificate_spec import (
    MAX_SVID_LIFE,
    MIN_SVID_LIFE,
    SVID_LIFE,
    CertificateSpec,
)
from keyhole.identity.error import RefusedError, RequestError, refused_with
from keyhole.identity.files import locked
from keyhole.identity.journal import Author
from keyhole.identity.revoked import read_revoked
from keyhole.identity.sign import BACKDATE, serial_text
from keyhole.identity.signing_request import MAX_OCTETS, check_proof, read_request
from keyhole.model.spiffe import read_spiffe_id

GRACE = timedelta(days=30)
_MAX_CHAIN = 4
# What the library raises where somebody made a certificate by hand: it reads the parts late.
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def renew(
    folder: Path,
    chain: bytes,
    request: bytes,
    signature: bytes,
    *,
    grace: timedelta = GRACE,
    how: str,
    address: str | None = None,
    now: datetime | None = None,
) -> tuple[str, IssuedCertificate]:
    """Issues a certificate with the same identity, lifetime and usages for the new key.

    ``chain`` is the current certificate with its issuer. ``signature`` proves that its holder made
    the request. ``grace`` is how long ago it may have expired. Returns the SPIFFE ID as well.

    Raises :class:`RequestError` for malformed input and :class:`RefusedError` for a certificate
    that cannot be renewed.
    """
    now = now or datetime.now(UTC)
    key = read_request(request)
    try:
        leaf, *above = _read_chain(chain)
        check_proof(leaf, request, signature)
        spiffe = _identity_of(leaf)
        _check_chain(folder, leaf, above, now)
    except _UNREADABLE:
        raise RequestError("the certificate cannot be read") from None
    with refused_with(f"a certificate of {spiffe}"):
        end = leaf.not_valid_after_utc
        if now > end + grace:
            raise RefusedError(
                f"the certificate expired on {end:%Y-%m-%d %H:%M} UTC, too long ago to be renewed; "
                "enroll this client again with a new token"
            )
        authority = Authority.open(folder, now=now)
        # One lock for check and issue: else somebody who renews in a loop would always be ahead of
        # whoever revokes.
        with locked(folder):
            if read_revoked(folder).has(spiffe, serial_text(leaf), leaf.not_valid_before_utc):
                raise RefusedError(f"{spiffe} is revoked, so it is not renewed")
            author = Author(spiffe, "renewal", address)
            spec = _same_spec(leaf, above, spiffe)
            return spiffe, authority.certify(spec, key, now, how=how, author=author)


def spiffe_id_of(certificate: x509.Certificate) -> str | None:
    """The SPIFFE ID of a certificate, if its only URI is one (X509-SVID section 2)."""
    uris = alternative_names(certificate).get_values_for_type(x509.UniformResourceIdentifier)
    try:
        return read_spiffe_id(uris[0]) if len(uris) == 1 else None
    except ValueError:
        return None


def _read_chain(chain: bytes) -> list[x509.Certificate]:
    if len(chain) > MAX_OCTETS:
        raise RequestError("the certificate chain is too large")
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise RequestError("the certificate is not PEM") from None
    if len(certificates) > _MAX_CHAIN:
        raise RequestError(f"a chain has at most {_MAX_CHAIN} certificates here")
    return certificates


def _identity_of(leaf: x509.Certificate) -> str:
    try:
        found = spiffe_id_of(leaf)
    except ValueError:
        found = None  # an unreadable extension
    if found is None:
        raise RefusedError("the certificate names no SPIFFE ID, or more than one")
    return found


def _check_chain(
    folder: Path, leaf: x509.Certificate, above: list[x509.Certificate], now: datetime
) -> None:
    """Verifies the chain up to a currently trusted root. An expired leaf is verified as of its last
    second, so that expiry is the only defect it may have."""
    moment = min(now, leaf.not_valid_after_utc)
    builder = verification.PolicyBuilder().store(verification.Store(read_bundle(folder)))
    try:
        builder.time(moment).build_client_verifier().verify(leaf, above)
    except verification.VerificationError:
        raise RefusedError(
            "the certificate is not signed by a root that is trusted here; enroll this client "
            "again with a new token"
        ) from None


def _same_spec(
    leaf: x509.Certificate, above: list[x509.Certificate], spiffe: str
) -> CertificateSpec:
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc - BACKDATE
    if any(leaf.not_valid_after_utc == one.not_valid_after_utc for one in above):
        life = SVID_LIFE  # the issuer's end cut it short, so the requested lifetime is unknown
    return CertificateSpec.svid(
        spiffe,
        min(max(life, MIN_SVID_LIFE), MAX_SVID_LIFE),
        also_server=ExtendedKeyUsageOID.SERVER_AUTH in usages,
    )
