"""Certificates that current libraries refuse to sign, built from octets."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# sha256WithRSAEncryption and sha1WithRSAEncryption (RFC 8017 appendix C), of one length in DER.
_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")


def signed_with_sha1(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> x509.Certificate:
    """The same certificate under a signature with SHA-1; both must be of RSA."""
    octets = _outer(certificate).replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signed = certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(octets[: -len(signature)] + signature)


def with_broken_signature(certificate: x509.Certificate) -> x509.Certificate:
    """The same certificate with one bit of its signature changed."""
    octets = bytearray(_outer(certificate))
    octets[-1] ^= 1
    return x509.load_der_x509_certificate(bytes(octets))


def _outer(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
