"""Section A, security: what a stranger can send to the enrollment server."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.requests import Request
from starlette.testclient import TestClient

from keyhole.enrollment.application import EnrollmentService, application
from keyhole.enrollment.throttle import FAILURES
from keyhole.http.incidents import LINES, Incidents
from keyhole.identity import Authority, CertificateSpec
from keyhole.identity.signing_request import new_request
from keyhole.model.service import Service

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"
# The object identifiers of the curve P-256 and of the extension subjectAltName, in DER.
_P256 = bytes.fromhex("06082a8648ce3d030107")
_SAN, _KEY_USAGE = bytes.fromhex("0603551d11"), bytes.fromhex("0603551d0f")


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    Authority.open(tmp_path / "identity")
    service = Service(name="dns.example.org", dot=(), doh=())
    grace = timedelta(days=30)
    return TestClient(
        application(EnrollmentService(tmp_path / "identity", grace, service, lambda *_: None)),
        raise_server_exceptions=False,
    )


def _renewal(chain: str, signature: str) -> dict[str, Any]:
    return {"certificate": chain, "csr": new_request()[1].decode(), "signature": signature}


@pytest.mark.parametrize("signature", ["\u00e9", "\u2028", "=", "a", "QQ==\n"])
def test_a_signature_that_is_no_base64_is_a_failure_that_counts(
    client: TestClient, signature: str
) -> None:
    """A17: also with letters outside ASCII, for which the decoder has another error."""
    found = [
        client.post("/v1/renew", json=_renewal("x", signature)).status_code
        for _ in range(FAILURES + 1)
    ]
    assert found == [400] * FAILURES + [429]


def _altered(folder: Path, before: bytes, after: bytes) -> str:
    chain, _ = Authority.open(folder).issue(CertificateSpec.svid(WEB))
    octets = x509.load_pem_x509_certificate(chain).public_bytes(Encoding.DER)
    assert before in octets
    body = base64.encodebytes(octets.replace(before, after)).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("before", "after"), [(_P256, _P256[:-1] + b"\x7f"), (_KEY_USAGE, _SAN), (_SAN, _KEY_USAGE)]
)
def test_a_certificate_that_somebody_made_by_hand_is_refused(
    client: TestClient, tmp_path: Path, before: bytes, after: bytes
) -> None:
    """A17: one of an unknown curve, with an extension twice, or with none that can be read."""
    chain = _altered(tmp_path / "identity", before, after)
    response = client.post("/v1/renew", json=_renewal(chain, "QQ=="))
    assert response.status_code in (400, 403)


def test_an_error_that_a_client_repeats_does_not_fill_the_log() -> None:
    """A17: so many lines within a minute, the last of which says so."""
    told: list[tuple[str, ...]] = []

    async def broken(*_: object) -> None:
        raise KeyError("inside")

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body"})

    app = Incidents(
        broken, "test", lambda text, details: told.append((text, *details)), lambda *_: answer
    )
    client = TestClient(app, raise_server_exceptions=False)
    for _ in range(3 * LINES):
        assert client.get("/").status_code == 500
    assert len(told) == LINES
    assert "no more lines" in told[-1][-1]
