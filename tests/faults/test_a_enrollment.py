"""Section A, security: what a stranger can send to the enrollment server."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.requests import Request
from starlette.testclient import TestClient

from keyhole.enrollment import EnrollmentError, JoinToken
from keyhole.enrollment import client as enrollment_client
from keyhole.enrollment.application import EnrollmentService, application
from keyhole.enrollment.enrolled_client import FILE, EnrollmentState
from keyhole.enrollment.throttle import FAILURES
from keyhole.http.incidents import LINES, Incidents
from keyhole.identity import Authority, CertificateSpec
from keyhole.identity.credentials import CredentialFolder
from keyhole.identity.signing_request import new_request
from keyhole.model.service import Service
from tests.world.process import call_keyhole

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


def _enrolled(folder: Path, ends: timedelta) -> None:
    """A client whose certificate ends so long from now."""
    begin = datetime.now(UTC) + ends - timedelta(hours=1)
    authority = Authority.open(folder.parent / "identity", now=begin)
    chain, key = authority.issue(CertificateSpec.svid(WEB, timedelta(hours=1)), begin)
    CredentialFolder(folder).write(chain, key, authority.root.read_bytes())
    service = Service(name="dns.example.org", dot=(), doh=())
    state = EnrollmentState(
        url="https://127.0.0.1:1", spiffe=WEB, trust_domain="keyhole.internal", service=service
    )
    (folder / FILE).write_text(state.model_dump_json())


@pytest.mark.parametrize(
    ("ends", "refusal", "asked"),
    [
        (timedelta(minutes=30), None, []),
        (-timedelta(days=90), EnrollmentError("too long ago", is_final=True), ["renew", "redeem"]),
        (-timedelta(days=90), EnrollmentError("it is away"), ["renew"]),
    ],
)
def test_a_start_that_is_repeated_asks_for_the_token_only_where_nothing_else_helps(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: timedelta,
    refusal: EnrollmentError | None,
    asked: list[str],
) -> None:
    """A certificate that nobody renews any more is no enrollment."""
    calls: list[str] = []

    def refuse(what: str, error: EnrollmentError | None) -> Any:
        def call(*_: Any) -> None:
            calls.append(what)
            raise error or AssertionError(what)

        return call

    monkeypatch.setattr(enrollment_client, "renew", refuse("renew", refusal))
    monkeypatch.setattr(enrollment_client, "redeem", refuse("redeem", EnrollmentError("used")))
    folder = tmp_path / "client"
    _enrolled(folder, ends)
    token = JoinToken(url="https://127.0.0.1:1", pin="00" * 32, secret="a" * 32)
    (tmp_path / "token").write_text(token.to_text())
    words = ("enroll", "redeem", str(tmp_path / "token"), "--out", str(folder))
    done = call_keyhole(*words, "--unless-enrolled")
    assert calls == asked, done.stderr
    assert (done.returncode == 0) is ("redeem" not in asked), done.stderr
