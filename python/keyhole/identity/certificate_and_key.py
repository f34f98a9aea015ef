"""A certificate and its key, read from files and checked before use."""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from keyhole.identity.error import IdentityError
from keyhole.system.regular_file import read_regular

_MAX_OCTETS = 1 << 20


@dataclass(frozen=True)
class CertificateAndKey:
    """Two matching PEM files: certificate chain (leaf first) and private key."""

    certificate: Path
    key: Path
    leaf: x509.Certificate

    @property
    def expires(self) -> datetime:
        """When the certificate expires; UTC."""
        return self.leaf.not_valid_after_utc

    def names(self) -> tuple[str, ...]:
        """The DNS names of the subjectAltName."""
        return tuple(alternative_names(self.leaf).get_values_for_type(x509.DNSName))

    def addresses(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """The IP addresses of the subjectAltName."""
        values = alternative_names(self.leaf).get_values_for_type(x509.IPAddress)
        return tuple(value for value in values if isinstance(value, IPv4Address | IPv6Address))

    def spiffe_ids(self) -> tuple[str, ...]:
        """The SPIFFE IDs of the subjectAltName, by which other Keyholes know a server."""
        uris = alternative_names(self.leaf).get_values_for_type(x509.UniformResourceIdentifier)
        return tuple(uri for uri in uris if uri.startswith("spiffe://"))


def read_certificate_and_key(
    certificate: Path, key: Path, now: datetime | None = None, *, names_needed: bool = True
) -> CertificateAndKey:
    """Reads and checks both files.

    ``names_needed`` is false for a client certificate, which needs no DNS name.

    Raises :class:`IdentityError` if a file is missing, unreadable or of the wrong kind, if the key
    does not match, or if the certificate is expired, not yet valid, or has no name in its
    subjectAltName (the common name is ignored: RFC 9525 section 2).
    """
    now = now or datetime.now(UTC)
    leaf = read_certificates(certificate)[0]
    private = read_key(key)
    if private.public_key() != leaf.public_key():
        raise IdentityError(
            f"the key {key} does not belong to the certificate {certificate}: their public keys "
            "differ; the first certificate in the file must be the server's own"
        )
    if leaf.not_valid_after_utc <= now:
        raise IdentityError(
            f"the certificate {certificate} expired on "
            f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        )
    if leaf.not_valid_before_utc > now:
        raise IdentityError(
            f"the certificate {certificate} is not valid before "
            f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; is the clock of this machine right?"
        )
    pair = CertificateAndKey(certificate, key, leaf)
    if names_needed and not (pair.names() or pair.addresses() or pair.spiffe_ids()):
        raise IdentityError(
            f"the certificate {certificate} has no subjectAltName with a DNS name, an address or "
            "a SPIFFE ID; clients ignore the common name"
        )
    return pair


def read_certificates(path: Path) -> list[x509.Certificate]:
    """The PEM certificates of a file, at least one."""
    content = _read(path, "certificate")
    if b"-----BEGIN CERTIFICATE-----" not in content:
        if b"PRIVATE KEY-----" in content:
            raise IdentityError(f"{path} holds a key where a certificate is needed; swapped files?")
        raise IdentityError(
            f"{path} holds no PEM certificate; it should begin with -----BEGIN CERTIFICATE-----"
        )
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise IdentityError(f"{path} holds a damaged certificate: {error}") from error


def read_key(path: Path) -> PrivateKeyTypes:
    """The private key of a PEM file without a password."""
    content = _read(path, "key")
    if b"PRIVATE KEY-----" not in content:
        if b"-----BEGIN CERTIFICATE-----" in content:
            raise IdentityError(f"{path} holds a certificate where a key is needed; swapped files?")
        raise IdentityError(
            f"{path} holds no PEM key; it should begin with -----BEGIN PRIVATE KEY-----"
        )
    try:
        return serialization.load_pem_private_key(content, password=None)
    except TypeError as error:
        raise IdentityError(
            f"the key {path} has a password; Keyhole needs it without one, protected by its mode"
        ) from error
    except ValueError as error:
        raise IdentityError(f"{path} holds a damaged key: {error}") from error


def _read(path: Path, what: str) -> bytes:
    try:
        return read_regular(path, _MAX_OCTETS)
    except FileNotFoundError:
        raise IdentityError(f"the {what} {path} does not exist") from None
    except IsADirectoryError:
        raise IdentityError(f"the {what} {path} is a folder, not a file") from None
    except PermissionError:
        raise IdentityError(
            f"the {what} {path} cannot be read by this user; change its owner or mode"
        ) from None
    except OSError as error:
        raise IdentityError(f"the {what} {path} cannot be read: {error.strerror}") from error


def alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    """The subjectAltName, empty if there is none."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])
