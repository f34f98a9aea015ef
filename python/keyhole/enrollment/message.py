"""JSON messages between client and enrollment server."""

from pydantic import BaseModel, ConfigDict, Field

from keyhole.model.field_types import Boundary
from keyhole.model.service import Service

PROBLEM = "application/problem+json"  # RFC 9457
JSON = "application/json"

_PEM = 32 * 1024


class ServerMessage(BaseModel):
    """A response of the server. Clients ignore unknown fields, which a newer server may send."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class BundleResponse(ServerMessage):
    """``GET /v1/bundle``: the roots of the trust domain; needs no authentication."""

    trust_domain: str
    bundle: str


class EnrollRequest(Boundary):
    """``POST /v1/enroll``: a secret, and a PKCS #10 request in PEM."""

    secret: str = Field(max_length=200)
    csr: str = Field(max_length=_PEM)


class RenewRequest(Boundary):
    """``POST /v1/renew``: the current chain and a request for a new key, both PEM, and the current
    key's signature over the request in base64."""

    certificate: str = Field(max_length=_PEM)
    csr: str = Field(max_length=_PEM)
    signature: str = Field(max_length=1024)


class CertificateResponse(ServerMessage):
    """The response to both: chain, roots of the trust domain, and the server's DNS service."""

    spiffe: str
    certificate: str
    trust_domain: str
    bundle: str
    service: Service


class ProblemDetails(ServerMessage):
    """An error response (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
