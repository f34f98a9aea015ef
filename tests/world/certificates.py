"""Certificates made for one test run: valid ones, and one for each kind of error.

None of this uses the product's own code. No key is under version control.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.world.der import signed_with_sha1, with_broken_signature

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
DAY = timedelta(days=1)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Pair:
    """A certificate and its key as PEM files."""

    certificate: Path
    key: Path

    @property
    def leaf(self) -> x509.Certificate:
        """The first certificate of the file."""
        return x509.load_pem_x509_certificates(self.certificate.read_bytes())[0]


@dataclass(frozen=True)
class Form:
    """The content of a certificate. The defaults are valid; an invalid one changes one field.

    ``begins`` and ``ends`` count from now. Without names and URIs there is no subjectAltName, and
    ``purposes`` empty leaves the extended key usage out.
    """

    names: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    purposes: tuple[x509.ObjectIdentifier, ...] = (SERVER,)
    common_name: str = "somebody"
    begins: timedelta = -2 * DAY
    ends: timedelta = 10 * DAY
    is_authority: bool = False
    digital_signature: bool = True
    signs_certificates: bool = False
    key: str = "ec"
    signature: str = "good"
    signed_by_itself: bool = False
    with_chain: bool = True


class Authority:
    """A certificate authority; its certificate is the file ``root``.

    With ``parent`` it is an intermediate authority; its certificate is part of each chain.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "Keyhole test root",
        *,
        parent: "Authority | None" = None,
        key: str = "ec",
        constraints: x509.NameConstraints | None = None,
        **changes: Any,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.signer = _make_key(key)
        self.parent = parent
        self._issued = 0
        form = Form(**{**_AUTHORITY, **changes})
        builder = _builder(form, self.name, (parent or self).name, self.signer.public_key())
        if constraints is not None:
            builder = builder.add_extension(constraints, critical=True)
        self.certificate = (parent or self)._sign(builder, form)
        self.root = folder / "root.pem"
        self.root.write_bytes(_pem(self.certificate))

    def issue(self, *names: str, expired: bool = False) -> Pair:
        """A server certificate for these DNS names and IP addresses."""
        form = Form(names=names, common_name=names[0])
        return self.make(replace(form, ends=-DAY) if expired else form)

    def svid(self, uri: str, **changes: Any) -> Pair:
        """A client certificate that names a SPIFFE ID, with ``changes`` to the form."""
        return self.make(replace(Form(uris=(uri,), purposes=(CLIENT,)), **changes))

    def make(self, form: Form) -> Pair:
        """A certificate with the content of a form."""
        self._issued += 1
        stem = self.folder / f"issued-{self._issued}"
        key = _make_key(form.key)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, form.common_name)])
        issuer = subject if form.signed_by_itself else self.name
        builder = _builder(form, subject, issuer, key.public_key())
        if form.signed_by_itself:
            leaf = builder.sign(key, _digest(key))
        else:
            leaf = self._sign(builder, form)
        pair = Pair(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        chain = [] if form.signed_by_itself or not form.with_chain else self._chain()
        pair.certificate.write_bytes(b"".join(_pem(each) for each in (leaf, *chain)))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        pair.key.chmod(0o600)
        return pair

    def crl(self, *revoked: Pair, ends: timedelta = DAY) -> bytes:
        """A revocation list (RFC 5280 section 5) with these certificates, as PEM."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(now - 2 * DAY)
            .next_update(now + ends)
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.signer.public_key()),
                critical=False,
            )
        )
        for pair in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(pair.leaf.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(now - DAY).build())
        return builder.sign(self.signer, _digest(self.signer)).public_bytes(
            serialization.Encoding.PEM
        )

    def _sign(self, builder: x509.CertificateBuilder, form: Form) -> x509.Certificate:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.signer.public_key())
        certificate = builder.add_extension(identifier, critical=False).sign(
            self.signer, _digest(self.signer)
        )
        if form.signature == "sha1":
            assert isinstance(self.signer, rsa.RSAPrivateKey)
            return signed_with_sha1(certificate, self.signer)
        return with_broken_signature(certificate) if form.signature == "broken" else certificate

    def _chain(self) -> list[x509.Certificate]:
        """The intermediate authorities from here up, without the root."""
        return [] if self.parent is None else [self.certificate, *self.parent._chain()]


_AUTHORITY: dict[str, Any] = {
    "is_authority": True,
    "digital_signature": False,
    "signs_certificates": True,
    "purposes": (),
}


def bundle(*authorities: Authority) -> bytes:
    """The certificates of several authorities as one PEM text."""
    return b"".join(each.root.read_bytes() for each in authorities)


def _builder(
    form: Form, subject: x509.Name, issuer: x509.Name, public: Any
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + form.begins)
        .not_valid_after(now + form.ends)
        .add_extension(x509.BasicConstraints(form.is_authority, None), critical=True)
        .add_extension(_usage(form), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    alternatives = list(_alternatives(form))
    if alternatives:
        names = x509.SubjectAlternativeName(alternatives)
        builder = builder.add_extension(names, critical=False)
    if form.purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(form.purposes), critical=False)
    return builder


def _usage(form: Form) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=form.digital_signature,
        content_commitment=False,
        key_encipherment=not form.digital_signature and not form.signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=form.signs_certificates,
        crl_sign=form.is_authority and form.signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(form: Form) -> Iterable[x509.GeneralName]:
    yield from (x509.UniformResourceIdentifier(uri) for uri in form.uris)
    for name in form.names:
        try:
            yield x509.IPAddress(ip_address(name))
        except ValueError:
            yield x509.DNSName(name)


def _make_key(kind: str) -> Key:
    match kind.partition("-")[::2]:
        case ("ed25519", _):
            return ed25519.Ed25519PrivateKey.generate()
        case ("rsa", size):
            return rsa.generate_private_key(65537, int(size))
    return ec.generate_private_key(ec.SECP256R1())


def _digest(key: Key) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
