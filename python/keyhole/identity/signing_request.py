"""What a client sends in order to get a certificate, and how it proves who it is.

The request is a PKCS #10 document (RFC 2986). Only its key counts: whom the certificate names is
decided by the authority alone.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keyhole.identity.error import RefusedError, RequestError
from keyhole.identity.sign import key_pem

MAX_OCTETS = 16 * 1024  # octets of a request, and of a chain
_CURVES = (ec.SECP256R1, ec.SECP384R1)
# Says what the signature is for: one made for another purpose proves nothing here.
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
    """The key for which a certificate is asked, whose holder signed the request.

    Raises :class:`RequestError` for anything else.
    """
    key = _load(pem).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise RequestError("the key of the certificate request is not ECDSA P-256 or P-384")
    return key


def sign_request(key: ec.EllipticCurvePrivateKey, request: bytes) -> bytes:
    """Signs a request for a new key with the current one."""
    return key.sign(_message(request), ec.ECDSA(hashes.SHA256()))


def check_proof(certificate: x509.Certificate, request: bytes, signature: bytes) -> None:
    """Whether the holder of the certificate signed the request; raises :class:`RefusedError`."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise RefusedError("the key of the certificate is not one that this authority signs")
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
