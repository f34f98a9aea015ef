"""The key that signs records and exports: one of this data folder, apart from the authority."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keyhole.evidence.error import EvidenceError
from keyhole.system import durable
from keyhole.system.regular_file import read_regular

_MAX_KEY = 16_384
_SIGNATURE = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies."""

    key: ec.EllipticCurvePublicKey

    @property
    def pem(self) -> str:
        """As PEM."""
        return self.key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its SubjectPublicKeyInfo."""
        return hashlib.sha256(
            self.key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).hexdigest()

    def verifies(self, signature: str, octets: bytes) -> bool:
        """Whether a signature in base64 is that of these octets."""
        try:
            self.key.verify(base64.b64decode(signature, validate=True), octets, _SIGNATURE)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """A key that signs."""

    key: ec.EllipticCurvePrivateKey

    @property
    def public(self) -> PublicKey:
        """What verifies its signatures."""
        return PublicKey(self.key.public_key())

    def sign(self, octets: bytes) -> str:
        """The signature in base64."""
        return base64.b64encode(self.key.sign(octets, _SIGNATURE)).decode()


def make_key(path: Path) -> SigningKey:
    """Makes a key and its file. Raises ``OSError``."""
    key = ec.generate_private_key(ec.SECP256R1())
    content = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    durable.write_bytes(path, content)
    return SigningKey(key)


def read_key(path: Path) -> SigningKey:
    """Reads a key; raises `EvidenceError`."""
    try:
        found = serialization.load_pem_private_key(read_regular(path, _MAX_KEY), None)
    except OSError as error:
        raise EvidenceError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise EvidenceError(f"{path} is no private key") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise EvidenceError(f"{path} is no key of an elliptic curve")
    return SigningKey(found)


def read_public(pem: str) -> PublicKey:
    """Reads a public key; raises `EvidenceError`."""
    try:
        found = serialization.load_pem_public_key(pem.encode())
    except (ValueError, TypeError):
        raise EvidenceError("the public key cannot be read") from None
    if not isinstance(found, ec.EllipticCurvePublicKey):
        raise EvidenceError("the public key is not one of an elliptic curve")
    return PublicKey(found)
