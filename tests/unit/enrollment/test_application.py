"""The routes: responses to valid, malformed and hostile requests."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from keyhole.enrollment import application as routes
from keyhole.enrollment.application import (
    ADDRESS_FAILURES,
    MAX_BODY_OCTETS,
    EnrollmentService,
    application,
)
from keyhole.enrollment.throttle import FAILURES
from keyhole.identity import Authority, CertificateSpec
from keyhole.identity.enrollments import create_enrollment
from keyhole.identity.signing_request import new_request, sign_request
from keyhole.model.service import Service

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


class Server:
    """The routes without a network, and the messages for the operator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[tuple[bool, str]] = []
        service = Service(name="dns.example.org", dot=(), doh=())
        enrollment = EnrollmentService(
            folder, timedelta(days=30), service, lambda *said: self.told.append(said)
        )
        self.client = TestClient(application(enrollment), raise_server_exceptions=True)

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(path, json=body)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    Authority.open(tmp_path / "identity")
    return Server(tmp_path / "identity")


def _problem(response: Any, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/problem+json")
    assert response.headers["cache-control"] == "no-store"
    document = response.json()
    assert document["status"] == status
    return str(document["detail"])


def test_everyone_may_have_the_bundle(server: Server) -> None:
    response = server.client.get("/v1/bundle")
    assert response.status_code == 200
    bundle = response.json()["bundle"].encode()
    assert bundle == (server.folder / "bundle.pem").read_bytes()


def test_a_secret_gives_a_certificate_and_the_person_hears_of_it(server: Server) -> None:
    _, secret = create_enrollment(server.folder, "shop/web", WEB)
    body = {"secret": secret, "csr": new_request()[1].decode()}
    granted = server.post("/v1/enroll", body)
    assert granted.status_code == 200
    assert granted.json()["spiffe"] == WEB
    assert granted.json()["certificate"].count("BEGIN CERTIFICATE") == 2
    [(is_good, told)] = server.told
    assert is_good
    assert "shop/web enrolled from testclient" in told
    assert secret not in told


def test_a_secret_that_is_not_good_is_refused_in_plain_words(server: Server) -> None:
    body = {"secret": "a" * 32, "csr": new_request()[1].decode()}
    assert "this token is unknown" in _problem(server.post("/v1/enroll", body), 403)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/enroll", 405),
        ("POST", "/v1/bundle", 405),
        ("DELETE", "/v1/renew", 405),
        ("GET", "/v1/bundle/../enrollments.json", 404),
        ("GET", "/v1//bundle", 404),
        ("GET", "/v1/BUNDLE", 404),
        ("GET", "/v1/..%2f..%2froot-key.pem", 404),
        ("OPTIONS", "/v1/enroll", 405),
    ],
)
def test_there_are_three_routes_and_no_other(
    server: Server, method: str, path: str, status: int
) -> None:
    _problem(server.client.request(method, path), status)


@pytest.mark.parametrize("path", ["/v1/enroll", "/v1/renew"])
@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"secret": 1, "csr": null}', "application/json", 400),
        (b'{"secret": "a", "csr": "b", "more": 1}', "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"secret=a&csr=b", "application/x-www-form-urlencoded", 415),
        (b" " * (MAX_BODY_OCTETS + 1), "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_told_and_nothing_more(
    server: Server, path: str, content: bytes, kind: str, status: int
) -> None:
    response = server.client.post(path, content=content, headers={"content-type": kind})
    assert "Traceback" not in _problem(response, status)


def test_a_body_without_a_length_is_bounded_all_the_same(server: Server) -> None:
    def endless() -> Any:
        for _ in range(1000):
            yield b" " * 1024

    headers = {"content-type": "application/json"}
    response = server.client.post("/v1/enroll", content=endless(), headers=headers)
    assert "at most" in _problem(response, 413)


@pytest.mark.parametrize("signature", ["", "!!!", base64.b64encode(b"x" * 72).decode()])
def test_a_renewal_without_proof_is_refused(server: Server, signature: str) -> None:
    chain = (server.folder / "issuer.pem").read_text()
    body = {"certificate": chain, "csr": new_request()[1].decode(), "signature": signature}
    assert server.post("/v1/renew", body).status_code in (400, 403)


def test_an_address_that_fails_again_and_again_has_to_wait(server: Server) -> None:
    body = {"secret": "a" * 32, "csr": new_request()[1].decode()}
    for _ in range(FAILURES):
        _problem(server.post("/v1/enroll", body), 403)
    response = server.post("/v1/enroll", body)
    assert "try again in" in _problem(response, 429)
    assert 1 <= int(response.headers["retry-after"]) <= 61
    assert len(server.told) == 1, "one message for the operator, not one per request"


def test_what_one_client_sends_hides_no_refusal_of_another_behind_its_address(
    server: Server,
) -> None:
    """E2, A17: neither a request that nobody is told of, nor one that fails all the time."""
    server.client.post("/v1/enroll", content=b"{}", headers={"content-type": "x/y"})
    _fail_with(server, "a" * 32, 3)
    _, secret = create_enrollment(server.folder, "shop/web", WEB)
    _fail_with(server, secret, 1)
    _fail_with(server, secret, 1)
    refused = [text for is_good, text in server.told if not is_good]
    assert ["unknown" in text for text in refused] == [True, False]
    assert "was used on" in refused[1]


def test_a_fault_of_the_server_is_told_to_its_person_and_to_nobody_else(server: Server) -> None:
    _, secret = create_enrollment(server.folder, "shop/web", WEB)
    (server.folder / "revoked.json").write_text("damaged")
    body = {"secret": secret, "csr": new_request()[1].decode()}
    detail = _problem(server.post("/v1/enroll", body), 503)
    assert str(server.folder) not in detail
    assert "revoked.json" not in detail
    assert "revoked.json" in server.told[-1][1]


def test_a_mistake_of_ours_shows_no_insides(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("inside")

    monkeypatch.setattr(routes, "read_trust", broken)
    client = TestClient(server.client.app, raise_server_exceptions=False)
    detail = _problem(client.get("/v1/bundle"), 500)
    assert "inside" not in detail
    assert "under the id" in detail


def test_what_a_client_sends_is_never_repeated(server: Server) -> None:
    evil = "<script>alert(1)</script>\r\n\x1b[31m"
    body = {"secret": evil, "csr": evil}
    response = server.post("/v1/enroll", body)
    assert "script" not in response.text
    assert all("script" not in told for _, told in server.told)
    assert "\x1b" not in json.dumps(server.told)


def _fail_with(server: Server, secret: str, times: int) -> list[int]:
    body = {"secret": secret, "csr": new_request()[1].decode()}
    return [server.post("/v1/enroll", body).status_code for _ in range(times)]


def test_a_dead_token_brakes_itself_alone_and_never_a_right_one(server: Server) -> None:
    """A17: by credential and by route, and only what fails."""
    assert _fail_with(server, "a" * 32, FAILURES + 2)[-2:] == [429, 429]
    assert _fail_with(server, "b" * 32, 1) == [403], "another one still hears the reason"
    malformed = server.client.post("/v1/renew", content=b"{}", headers={"content-type": "x/y"})
    assert malformed.status_code == 415, "another route has failures of its own"
    for number in range(ADDRESS_FAILURES):
        _fail_with(server, f"{number:0>32}", 1)
    assert _fail_with(server, "c" * 32, 1) == [429], "now the address has no room either"
    assert server.client.get("/v1/bundle").status_code == 200
    _, secret = create_enrollment(server.folder, "shop/web", WEB)
    assert _fail_with(server, secret, 1) == [200], "a right one is served all the same"


def test_a_renewal_is_served_behind_an_address_that_fails_all_the_time(server: Server) -> None:
    """A17: the renewals of all behind one NAT go on."""
    _, request = new_request()
    for number in range(ADDRESS_FAILURES + 1):
        body = {"certificate": f"x{number}", "csr": request.decode(), "signature": ""}
        server.post("/v1/renew", body)
    body = {"certificate": "another", "csr": request.decode(), "signature": ""}
    assert server.post("/v1/renew", body).status_code == 429
    chain, key = Authority.open(server.folder).issue(CertificateSpec.svid(WEB))
    loaded = serialization.load_pem_private_key(key, None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    signature = base64.b64encode(sign_request(loaded, request)).decode()
    body = {"certificate": chain.decode(), "csr": request.decode(), "signature": signature}
    assert server.post("/v1/renew", body).status_code == 200
