"""Keyhole's own certificate authority: a root that lives in one folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keyhole.identity.error import IdentityError
from keyhole.identity.files import (
    PRIVATE_FILE,
    PUBLIC_FILE,
    locked,
    make_private_folder,
    write_whole,
)
from keyhole.identity.material import read_certificates, read_key
from keyhole.identity.wish import Wish

ROOT_LIFE = timedelta(days=3652)
# Clocks of clients may be slow: what was issued now must hold for them as well.
BACKDATE = timedelta(hours=1)


class Authority:
    """A root certificate and its key, in ``root.pem`` (for clients) and ``root-key.pem`` (0600)."""

    def __init__(
        self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> None:
        self.folder = folder
        self.certificate = certificate
        self._key = key

    @property
    def root(self) -> Path:
        """The file that clients need in order to trust what this authority signs."""
        return self.folder / "root.pem"

    @classmethod
    def open(
        cls, folder: Path, common_name: str = "Keyhole root", now: datetime | None = None
    ) -> "Authority":
        """Opens the authority in the folder, and makes it when there is none.

        Raises :class:`IdentityError` when only one of the two files is there or they do not belong
        together: making a new root silently would break every client that trusts the old one.
        """
        make_private_folder(folder)
        with locked(folder):
            root, key = folder / "root.pem", folder / "root-key.pem"
            if not root.exists() and not key.exists():
                _make_root(root, key, common_name, now or datetime.now(UTC))
            return cls._read(folder, root, key)

    @classmethod
    def _read(cls, folder: Path, root: Path, key_file: Path) -> "Authority":
        for path in (root, key_file):
            if not path.exists():
                raise IdentityError(
                    f"the authority in {folder} is incomplete: {path.name} is missing; "
                    "restore it, or remove the folder to start with a new authority "
                    "(clients must then be given the new root.pem)"
                )
        certificate = read_certificates(root)[0]
        key = read_key(key_file)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IdentityError(f"{key_file} is not an ECDSA key")
        if key.public_key() != certificate.public_key():
            raise IdentityError(f"{key_file} does not belong to {root}: the public keys differ")
        return cls(folder, certificate, key)

    def issue(self, wish: Wish, now: datetime | None = None) -> tuple[bytes, bytes]:
        """Signs a new leaf with a new ECDSA P-256 key; gives certificate and key as PEM."""
        now = now or datetime.now(UTC)
        root_end = self.certificate.not_valid_after_utc
        if root_end <= now:
            raise IdentityError(
                f"the root certificate {self.root} expired on {root_end:%Y-%m-%d}; "
                "remove its folder to start with a new authority"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(wish.common_name()))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - BACKDATE, self.certificate.not_valid_before_utc))
            .not_valid_after(min(now + wish.life, root_end))
            .add_extension(wish.alternative_names(), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(wish.usages), critical=False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM), key_pem(key)

    def signed(self, certificate: x509.Certificate) -> bool:
        """Whether this root signed the certificate."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):  # each of them means no
            return False
        return True


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as PKCS #8 PEM without a password; the mode of the file protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _make_root(root: Path, key_file: Path, common_name: str, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(common_name)
    # No name constraints: rustls-webpki rejects every authority that has URI constraints, and
    # trust domains are kept apart by their sets of roots.
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    # The key first: a root without its key is an error that a person must solve, a key alone too,
    # but nobody can have trusted a root that was never written.
    write_whole(key_file, key_pem(key), PRIVATE_FILE)
    write_whole(root, certificate.public_bytes(serialization.Encoding.PEM), PUBLIC_FILE)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
