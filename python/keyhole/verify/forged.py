"""Certificates of clients that should be believed, and many that should not."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyhole.identity import CertificateSpec
from keyhole.identity.files import PRIVATE_FILE, PUBLIC_FILE, write_whole
from keyhole.identity.sign import Signer, certificate_pem, key_pem
from keyhole.verify.endpoint import Certificate

_LIFE = timedelta(minutes=40)
_CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
_SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
_EXPIRED_AGO = timedelta(minutes=50)
"""An authority is backdated by an hour, and no leaf begins before it."""
_NOT_YET = timedelta(days=2)


@dataclass(frozen=True)
class Forgery:
    """A kind of certificate; ``title`` is what is wrong with it. ``own`` ones need no authority
    that the target trusts."""

    id: str
    title: str
    own: bool
    make: Callable[["Forger"], Certificate]


class Forger:
    """Makes them in a folder. ``signer`` is the authority that the target trusts, if we have it,
    and ``spiffe`` the identity that its listener serves."""

    def __init__(self, folder: Path, spiffe: str, signer: Signer | None = None) -> None:
        self.folder, self.spiffe, self.signer = folder, spiffe, signer
        folder.mkdir(parents=True, exist_ok=True)

    def by_trusted(self, spec: CertificateSpec, now: datetime | None = None) -> Certificate:
        """Signed by the authority of the target, without its log or its rules."""
        assert self.signer is not None
        return self._signed(self.signer, spec, now)

    def by_stranger(self) -> Certificate:
        """The right identity, signed by a root of our own."""
        now = datetime.now(UTC)
        stranger = Signer.root("A stranger's root", now).issuer(None, now)
        return self._signed(stranger, self._spec(), now)

    def by_itself(self) -> Certificate:
        """The right identity, signed with its own key."""
        now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
        uri = x509.UniformResourceIdentifier(self.spiffe)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "self-signed")])
        leaf = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LIFE)
            .not_valid_after(now + _LIFE)
            .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(_CLIENT), critical=False)
            .sign(key, hashes.SHA256())
        )
        return self._write(certificate_pem(leaf), key_pem(key))

    def expired(self) -> Certificate:
        """Its end was ten minutes ago."""
        return self.by_trusted(self._spec(), datetime.now(UTC) - _EXPIRED_AGO)

    def not_yet_valid(self) -> Certificate:
        """It begins in two days."""
        return self.by_trusted(self._spec(), datetime.now(UTC) + _NOT_YET)

    def for_servers(self) -> Certificate:
        """Its extended key usage is that of servers alone."""
        return self.by_trusted(CertificateSpec(life=_LIFE, usages=_SERVER, spiffe=self.spiffe))

    def of_other_domain(self) -> Certificate:
        """Signed by the trusted authority, for an identity of another trust domain."""
        other = "spiffe://other.example/ns/keyhole/sa/resolver"
        return self.by_trusted(CertificateSpec(life=_LIFE, usages=_CLIENT, spiffe=other))

    def without_identity(self) -> Certificate:
        """It has a host name and no identity."""
        return self.by_trusted(CertificateSpec(("client.example.org",), (), _LIFE, _CLIENT))

    def of(self, spiffe: str) -> Certificate:
        """A right certificate for another identity."""
        return self.by_trusted(CertificateSpec(life=_LIFE, usages=_CLIENT, spiffe=spiffe))

    def _spec(self) -> CertificateSpec:
        return CertificateSpec(life=_LIFE, usages=_CLIENT, spiffe=self.spiffe)

    def _signed(self, signer: Signer, spec: CertificateSpec, now: datetime | None) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = signer.leaf(spec, key.public_key(), now or datetime.now(UTC))
        return self._write(certificate_pem(leaf, signer.certificate), key_pem(key))

    def _write(self, chain: bytes, key: bytes) -> Certificate:
        stem = self.folder / f"client-{secrets.token_hex(4)}"
        pair = Certificate(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        write_whole(pair.key, key, PRIVATE_FILE)
        write_whole(pair.chain, chain, PUBLIC_FILE)
        return pair


FORGERIES = (
    Forgery("self-signed", "signed with its own key", True, Forger.by_itself),
    Forgery("other-root", "signed by another root", True, Forger.by_stranger),
    Forgery("expired", "expired ten minutes ago", False, Forger.expired),
    Forgery("not-yet-valid", "valid in two days", False, Forger.not_yet_valid),
    Forgery("server-purpose", "made for servers alone", False, Forger.for_servers),
    Forgery("other-domain", "of another trust domain", False, Forger.of_other_domain),
    Forgery("no-identity", "with a host name and no identity", False, Forger.without_identity),
)
