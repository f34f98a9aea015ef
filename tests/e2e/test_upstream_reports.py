"""What upstreams do is shown with their certificates, and one can be asked by hand."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import dns.message
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.world.certificates import Authority, Pair
from tests.world.ports import free_port
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream, Zone


class _Silent(Zone):
    """Answers nothing at all."""

    def replies(self, word: str, query: dns.message.Message) -> list[bytes]:
        return []


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    """The certificate of the upstream."""
    return authority.issue("upstream.example.org", "127.0.0.1")


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, pair: Pair
) -> Iterator[Resolver]:
    """A resolver with a good upstream, one that is gone, one with another name, and one that takes
    questions and keeps silent."""
    resolver = Resolver(tmp_path_factory.mktemp("upstreams") / "data", authority)
    with Upstream(pair) as upstream, Upstream(pair, zone=_Silent()) as silent:
        resolver.write(
            resolver.upstream(silent.port, "silent"),
            resolver.upstream(upstream.port),
            resolver.upstream(free_port(), "gone"),
            resolver.upstream(upstream.port, "impostor", serverName="other.example.org"),
            document("Policy", "home", default="allow", upstreams=["test"]),
        )
        yield resolver.start()
        resolver.stop()


def _report(resolver: Resolver, name: str) -> dict[str, Any]:
    found = resolver.api("GET", "/status").json()["upstreams"]
    return next(one for one in found if one["name"] == name)


def _test(resolver: Resolver, name: str) -> dict[str, Any]:
    answer = resolver.api("POST", f"/upstreams/{name}/test")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _pin(certificate: x509.Certificate) -> str:
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def test_an_upstream_that_was_asked_shows_its_latency_and_its_certificate(
    running: Resolver, pair: Pair
) -> None:
    running.server.ask("www.example.org")
    found = _report(running, "test")
    assert found["asked"] >= found["answered"] >= 1
    assert found["round_trip"] > 0
    assert found["connections"] >= 1
    shown = found["certificate"]
    given = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    assert "upstream.example.org" in shown["names"]
    assert shown["pin"] == _pin(given)
    assert shown["expires"].replace("Z", "+00:00") == given.not_valid_after_utc.isoformat()


def test_a_test_of_an_upstream_that_keeps_silent_says_so(running: Resolver) -> None:
    found = _test(running, "silent")
    assert not found["is_answered"]
    assert "no answer" in found["error"] or "without an answer" in found["error"]


def test_a_test_of_an_upstream_says_whether_it_answers_and_who_it_is(running: Resolver) -> None:
    before = _report(running, "test")["asked"]
    found = _test(running, "test")
    assert found["is_answered"]
    assert found["error"] is None
    assert found["seconds"] > 0
    assert found["certificate"] == _report(running, "test")["certificate"]
    assert _report(running, "test")["asked"] == before, "its counters are those of clients"


@pytest.mark.parametrize(("name", "why"), [("gone", "refused"), ("impostor", "other.example.org")])
def test_a_test_of_an_upstream_that_cannot_be_used_says_why(
    running: Resolver, name: str, why: str
) -> None:
    found = _test(running, name)
    assert not found["is_answered"]
    assert found["seconds"] is None
    assert why in found["error"]


def test_an_upstream_that_nobody_declared_cannot_be_tested(running: Resolver) -> None:
    answer = running.api("POST", "/upstreams/nowhere/test")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no Upstream nowhere in force"
