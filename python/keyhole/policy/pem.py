"""PEM files of documents: parsed, checked, and written as one text for the engine."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keyhole.system.regular_file import open_regular

MAX_PEM = 1 << 20

_CERTIFICATE_END = "-----END CERTIFICATE-----\n"
_CRL_BEGIN, _CRL_END = b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----"


@dataclass(frozen=True)
class Certificates:
    """The certificates of a file."""

    certificates: tuple[x509.Certificate, ...]

    @property
    def text(self) -> str:
        """As PEM, without other text."""
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in self.certificates)


@dataclass(frozen=True)
class RevocationLists:
    """The certificate revocation lists of a file (RFC 5280 section 5)."""

    lists: tuple[x509.CertificateRevocationList, ...]

    @property
    def text(self) -> str:
        """As PEM, without other text."""
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in self.lists)

    def overdue(self, now: datetime | None = None) -> datetime | None:
        """The earliest next update, if it is past; none otherwise."""
        now = now or datetime.now(UTC)
        ends = [one.next_update_utc for one in self.lists if one.next_update_utc is not None]
        return min((end for end in ends if end <= now), default=None)


def read_certificates(path: Path, written: str) -> Certificates:
    """Certificates, and no private key; ``written`` is the path in the document.

    Raises ValueError with the reason.
    """
    octets = read_octets(path)
    if b"PRIVATE KEY" in octets:
        raise ValueError(f"{written} holds a private key; give certificates alone")
    try:
        return Certificates(tuple(x509.load_pem_x509_certificates(octets)))
    except ValueError:
        raise ValueError(f"{written} holds no certificate in PEM form") from None


def certificates_in(bundle: str) -> list[str]:
    """The certificates of a text that `Certificates.text` made, one by one."""
    parts = bundle.split(_CERTIFICATE_END)
    return [f"{one}{_CERTIFICATE_END}" for one in parts if one]


def read_authorities(path: Path, written: str) -> Certificates:
    """Certificates of authorities; any other one among them is an error.

    Raises ValueError with the reason.
    """
    found = read_certificates(path, written)
    for number, one in enumerate(found.certificates, 1):
        if not _is_authority(one):
            # Its subject is not quoted: nobody reads a file of this machine by our messages.
            raise ValueError(
                f"certificate {number} in {written} is no authority; give those of the authorities "
                "alone"
            )
    return found


def read_revocation_lists(path: Path, written: str) -> RevocationLists:
    """Revocation lists; raises ValueError with the reason."""
    octets = read_octets(path)
    blocks = octets.split(_CRL_BEGIN)[1:]
    if not blocks:
        raise ValueError(
            f"{written} holds no revocation list in PEM form; it begins with {_CRL_BEGIN.decode()}"
        )
    return RevocationLists(tuple(_read_list(block, written) for block in blocks))


def read_octets(path: Path) -> bytes:
    """A file of bounded size; raises ValueError with the reason."""
    try:
        with open_regular(path) as file:
            octets = file.read(MAX_PEM + 1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    if len(octets) > MAX_PEM:
        raise ValueError(f"{path} is larger than 1MiB, which no PEM file needs")
    return octets


def _read_list(block: bytes, written: str) -> x509.CertificateRevocationList:
    body, end, _ = block.partition(_CRL_END)
    try:
        return x509.load_pem_x509_crl(_CRL_BEGIN + body + end + b"\n")
    except ValueError:
        raise ValueError(f"{written} holds a revocation list that is damaged") from None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False
