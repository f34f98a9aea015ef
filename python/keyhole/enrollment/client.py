"""The enrollment client; it trusts the server only after verifying its root."""

import base64
import http.client
import socket
import ssl
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from pydantic import BaseModel, ValidationError

from keyhole.enrollment.error import EnrollmentError
from keyhole.enrollment.join_token import JoinToken
from keyhole.enrollment.message import (
    JSON,
    BundleResponse,
    CertificateResponse,
    EnrollRequest,
    ProblemDetails,
    RenewRequest,
)
from keyhole.identity.credentials import Credentials
from keyhole.identity.renewal import spiffe_id_of
from keyhole.identity.sign import certificate_pem, fingerprint
from keyhole.identity.signing_request import new_request, sign_request

TIMEOUT_SECONDS = 10.0
_MAX_OCTETS = 512 * 1024

Answer = TypeVar("Answer", bound=BaseModel)


def redeem(token: JoinToken) -> tuple[bytes, CertificateResponse]:
    """Gets the first certificate; returns the new key, which never leaves this machine, and the
    response.

    The secret is sent only to a server whose certificate chains to the root that the token names.
    """
    response = _request(token.url, _unverified_context(), "GET", "/v1/bundle", None, BundleResponse)
    root = _pinned(response.bundle, token)
    key, request = new_request()
    message = EnrollRequest(secret=token.secret, csr=request.decode())
    granted = _request(
        token.url,
        _verified_context(certificate_pem(root)),
        "POST",
        "/v1/enroll",
        message,
        CertificateResponse,
    )
    return key, _checked(granted, request, None)


def renew(url: str, current: Credentials) -> tuple[bytes, CertificateResponse]:
    """Gets the next certificate; returns its new key and the response."""
    key, request = new_request()
    message = RenewRequest(
        certificate=current.chain.decode(),
        csr=request.decode(),
        signature=base64.b64encode(sign_request(current.key, request)).decode(),
    )
    granted = _request(
        url, _verified_context(current.bundle), "POST", "/v1/renew", message, CertificateResponse
    )
    return key, _checked(granted, request, current.spiffe)


def _pinned(bundle: str, token: JoinToken) -> x509.Certificate:
    """Returns the root that the token names; other roots are ignored."""
    try:
        roots = x509.load_pem_x509_certificates(bundle.encode())
    except ValueError:
        roots = []
    for root in roots:
        if fingerprint(root) == token.pin:
            return root
    raise EnrollmentError(
        f"{token.url} does not have the root that the token names: either an attacker on the "
        "network pretends to be the server, or its authority was replaced. Nothing was sent; ask "
        "for a new token"
    )


def _checked(
    granted: CertificateResponse, request: bytes, wanted: str | None
) -> CertificateResponse:
    """Rejects a response that does not match the request, before anything is written."""
    try:
        leaf = x509.load_pem_x509_certificates(granted.certificate.encode())[0]
        x509.load_pem_x509_certificates(granted.bundle.encode())
    except ValueError:
        raise EnrollmentError("the response of the server has no valid certificate") from None
    asked = x509.load_pem_x509_csr(request).public_key()
    if leaf.public_key() != asked or spiffe_id_of(leaf) != granted.spiffe:
        raise EnrollmentError("the server granted a certificate that was not asked for")
    if wanted is not None and granted.spiffe != wanted:
        raise EnrollmentError(f"the server granted {granted.spiffe} in place of {wanted}")
    return granted


def _unverified_context() -> ssl.SSLContext:
    """For the one request without a secret, whose response is checked by the pin."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _verified_context(roots: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=roots.decode())
    return context


def _request(
    url: str,
    tls: ssl.SSLContext,
    method: str,
    path: str,
    message: BaseModel | None,
    model: type[Answer],
) -> Answer:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port or 443, timeout=TIMEOUT_SECONDS, context=tls
    )
    try:
        body = None if message is None else message.model_dump_json().encode()
        headers = {"accept": JSON} if body is None else {"accept": JSON, "content-type": JSON}
        connection.request(method, path, body, {**headers, "connection": "close"})
        response = connection.getresponse()
        answer = response.read(_MAX_OCTETS)
    except ssl.SSLCertVerificationError as error:
        raise EnrollmentError(
            f"the certificate of {url} cannot be trusted ({error.verify_message}): an attacker on "
            "the network may pretend to be the server; nothing was sent"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise EnrollmentError(f"{url} cannot be reached: {_why(error)}") from error
    finally:
        connection.close()
    return _read(url, response.status, answer, model)


def _read(url: str, status: int, answer: bytes, model: type[Answer]) -> Answer:
    try:
        if status == 200:
            return model.model_validate_json(answer)
        refusal = ProblemDetails.model_validate_json(answer)
    except ValidationError:
        raise EnrollmentError(
            f"{url} answered with status {status} and a body that no enrollment server sends; is "
            "the URL correct?"
        ) from None
    raise EnrollmentError(f"the server says: {refusal.detail}", is_final=status in (400, 403))


def _why(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved; a token whose URL has an address needs no DNS"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
