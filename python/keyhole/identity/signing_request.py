"""Certificate signing requests (PKCS #10, RFC 2986), and the proof of possession for renewal.

Only the key of a request is used: the authority alone decides the name in the certificate.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keyhole.identity.error import RefusedError, RequestError
from keyhole.identity.sign import key_pem

MAX_OCTETS = 16 * 1024  # octets of a request, and of a chain
_CURVES = (ec.SECP256R1, ec.SECP384R1)
# Domain separation: a signature made for another purpose is not accepted here.
_PURPOSE = b"keyhole renewal 1\0"


def new_request() -> tuple[bytes, bytes]:
    """A new ECDSA P-256 key and a request for it, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
    )
    return key_pem(key), request.public_bytes(serialization.Encoding.PEM)


def read_request(pem: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a request that is signed with that key.

    Raises :class:`RequestError` for any other input.
    """
    key = _load(pem).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise RequestError("the key of the certificate request is not ECDSA P-256 or P-384")
    return key


def sign_request(key: ec.EllipticCurvePrivateKey, request: bytes) -> bytes:
    """Signs a request for a new key with the current key."""
    return key.sign(_message(request), ec.ECDSA(hashes.SHA256()))


def check_proof(certificate: x509.Certificate, request: bytes, signature: bytes) -> None:
    """Raises :class:`RefusedError` unless the certificate's key signed the request."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise RefusedError("the key of the certificate is not an ECDSA key")
    try:
        key.verify(signature, _message(request), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise RefusedError(
            "the signature over the request is not by the key of the certificate"
        ) from None


def _message(request: bytes) -> bytes:
    return _PURPOSE + _load(request).public_bytes(serialization.Encoding.DER)


def _load(pem: bytes) -> x509.CertificateSigningRequest:
    if len(pem) > MAX_OCTETS:
        raise RequestError("the certificate request is too large")
    try:
        request = x509.load_pem_x509_csr(pem)
        is_signed = request.is_signature_valid
    except (ValueError, TypeError, x509.UnsupportedGeneralNameType):
        raise RequestError("the certificate request is not PKCS #10 in PEM") from None
    except Exception as error:
        raise RequestError("the certificate request cannot be read") from error
    if not is_signed:
        raise RequestError("the certificate request is not signed by its own key")
    return request
