"""An authority with a revocation list, as PEM, made for one test."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Authority:
    """One root that signs what is asked for."""

    def __init__(self, name: str = "root") -> None:
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root = self.certificate(name, is_authority=True)

    def certificate(self, name: str, *, is_authority: bool) -> str:
        """A certificate for the root's own key, of an authority or not."""
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - DAY)
            .not_valid_after(NOW + DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM).decode()

    def revocation_list(self, *, until: datetime = NOW + DAY) -> str:
        """A list that takes back serial number 2."""
        entry = x509.RevokedCertificateBuilder().serial_number(2).revocation_date(NOW - DAY).build()
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(until - 2 * DAY)
            .next_update(until)
            .add_revoked_certificate(entry)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
