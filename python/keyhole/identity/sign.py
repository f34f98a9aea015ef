"""Creates certificates: a root, an issuer below it, and leaves. Accesses no files."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keyhole.identity.certificate_spec import CertificateSpec
from keyhole.model.spiffe import SCHEME

ROOT_LIFE = timedelta(days=3652)
ISSUER_LIFE = timedelta(days=365)
# Clients with slow clocks must accept a new certificate as well.
BACKDATE = timedelta(hours=1)


@dataclass(frozen=True)
class Signer:
    """A CA certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def root(cls, common_name: str, now: datetime) -> Self:
        """A new root, which signs issuers only."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(common_name)
        # No name constraints: rustls-webpki rejects every authority that has URI constraints.
        # Separate root sets keep trust domains apart.
        builder = _builder(subject, subject, key.public_key(), now - BACKDATE, now + ROOT_LIFE)
        builder = _signing(builder, key.public_key(), path_length=1)
        return cls(builder.sign(key, hashes.SHA256()), key)

    def issuer(self, domain: str | None, now: datetime) -> "Signer":
        """A new issuer below this root, for about a year.

        Its URI is the trust domain without a path (X509-SVID section 3.1), which shows for which
        domain it signs.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        end = min(now + ISSUER_LIFE, self.certificate.not_valid_after_utc)
        begin = max(now - BACKDATE, self.certificate.not_valid_before_utc)
        # Each issuer has a unique name: some programs select an authority by name alone.
        whose = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        subject = _name(f"{whose!s:.40} issuer {secrets.token_hex(4)}")
        builder = _builder(subject, self.certificate.subject, key.public_key(), begin, end)
        builder = _below(_signing(builder, key.public_key(), path_length=0), self)
        if domain is not None:
            uri = x509.UniformResourceIdentifier(f"{SCHEME}{domain}")
            builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        return Signer(builder.sign(self.key, hashes.SHA256()), key)

    def leaf(
        self, spec: CertificateSpec, key: ec.EllipticCurvePublicKey, now: datetime
    ) -> x509.Certificate:
        """A leaf certificate for the given key."""
        begin = max(now - BACKDATE, self.certificate.not_valid_before_utc)
        end = min(now + spec.life, self.certificate.not_valid_after_utc)
        subject = _name(spec.common_name())
        builder = _builder(subject, self.certificate.subject, key, begin, end)
        builder = (
            builder.add_extension(spec.alternative_names(), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(spec.usages), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
        return _below(builder, self).sign(self.key, hashes.SHA256())


def is_signed_by(certificate: x509.Certificate, above: x509.Certificate) -> bool:
    """Whether ``above`` signed the certificate, by name and by signature."""
    try:
        certificate.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):  # each means: not signed by it
        return False
    return True


def certificate_pem(*certificates: x509.Certificate) -> bytes:
    """Certificates as PEM, one after the other."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as PKCS #8 PEM without a password; the file mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of the certificate, as lower-case hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def serial_text(certificate: x509.Certificate) -> str:
    """The serial number in lower-case hexadecimal, without leading zeros."""
    return f"{certificate.serial_number:x}"


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _signing(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey, path_length: int
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    return (
        builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=path_length), critical=True
        )
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
    )


def _below(builder: x509.CertificateBuilder, above: Signer) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key())
    return builder.add_extension(identifier, critical=False)


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
