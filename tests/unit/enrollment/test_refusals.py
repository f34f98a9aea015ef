"""Nobody hides the refusal of another from the log of enrollment, or fills that log."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.types import Message

from keyhole.enrollment.application import ADDRESS_FAILURES, EnrollmentService, application
from keyhole.enrollment.refusals import MAX_KEYS, REASONS_EACH, SECONDS, Refusals
from keyhole.identity import Authority
from keyhole.identity.enrollments import create_enrollment
from keyhole.identity.revoked import Targets, revoke
from keyhole.identity.signing_request import new_request
from keyhole.model.service import Service

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"
CSR = new_request()[1].decode()


class Served:
    """The routes, asked from any address, and what the operator heard of refusals."""

    def __init__(self, folder: Path) -> None:
        Authority.open(folder)
        self.folder = folder
        self.told: list[str] = []
        service = Service(name="dns.example.org", dot=(), doh=())
        self.service = EnrollmentService(folder, timedelta(days=30), service, self._hear)
        self._application = application(self.service)

    def _hear(self, is_good: bool, text: str) -> None:
        if not is_good:
            self.told.append(text)

    def ask(self, address: str, *secrets: str) -> list[int]:
        """The status of a request with each of the secrets."""
        return asyncio.run(self._all([(address, one, CSR) for one in secrets]))

    def fail(self, times: int) -> None:
        """Requests of one /64 without sense, with ever new tokens, from ever new addresses."""
        asked = [(f"2001:db8::{number:x}", f"{number:0>32}", "x") for number in range(times)]
        asyncio.run(self._all(asked))

    async def _all(self, asked: list[tuple[str, str, str]]) -> list[int]:
        return [await self._one(*one) for one in asked]

    async def _one(self, address: str, secret: str, csr: str) -> int:
        body = json.dumps({"secret": secret, "csr": csr}).encode()
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            said.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/enroll",
            "headers": [(b"content-type", b"application/json")],
            "query_string": b"",
            "server": ("localhost", 443),
            "client": (address, 50_000),
        }
        await self._application(scope, receive, send)
        return int(said[0]["status"])


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path / "identity")


def test_a_network_that_fails_all_the_time_hides_no_refusal_of_another(served: Served) -> None:
    """A17: 256 reasons a minute were for all, and one network had more addresses than that."""
    _, secret = create_enrollment(served.folder, "shop/web", WEB)
    assert served.ask("198.51.100.1", secret) == [200]
    served.fail(300)
    assert len(served.told) == REASONS_EACH
    assert served.ask("192.0.2.1", "f" * 32) == [403]
    assert "from 192.0.2.1 was refused: this token is unknown" in served.told[-1]
    assert served.ask("192.0.2.1", secret) == [403]
    assert "from 192.0.2.1 was refused: this token was used on" in served.told[-1]


def test_a_used_token_is_told_also_of_an_address_that_is_throttled(served: Served) -> None:
    """A17: whoever has a stolen token can make its own address fail first."""
    tokens = [create_enrollment(served.folder, f"shop/{one}", WEB)[1] for one in range(2)]
    assert served.ask("198.51.100.1", tokens[0]) == [200]
    revoke(served.folder, Targets(identities=frozenset({WEB})))
    served.fail(300)
    assert served.ask("2001:db8::1", *tokens) == [429, 429]
    assert "from 2001:db8::1 was refused: this token was used on" in served.told[-2]
    assert served.told[-1] == f"a request from 2001:db8::1 was refused: {WEB} is revoked"


def test_what_was_throttled_is_summed_up_by_network(served: Served) -> None:
    """A17: what is answered with 429 was told nobody."""
    served.fail(300)
    told = len(served.told)
    served.service.refusals.sum_up()
    served.service.refusals.sum_up()
    more = 300 - REASONS_EACH
    assert more > 300 - ADDRESS_FAILURES
    assert served.told[told:] == [f"{more} more requests were refused from 2001:db8::/56"]


def test_many_networks_take_no_place_of_a_known_token_and_fill_no_log() -> None:
    said: list[str] = []
    now = 100.0
    refusals = Refusals(said.append, lambda: now)
    for number in range(4 * MAX_KEYS):
        for _ in range(2):
            refusals.add(f"10.0.{number // 256}.{number % 256}", "it is unknown")
    assert len(said) == MAX_KEYS
    refusals.add("192.0.2.1", "it was used", "the token of shop/web")
    assert said[MAX_KEYS:] == ["a request from 192.0.2.1 was refused: it was used"]
    refusals.sum_up()
    assert said[-1] == f"{6 * MAX_KEYS} more requests were refused from others"
    said.clear()
    now += SECONDS
    refusals.add("192.0.2.2", "it is unknown")
    assert said == ["a request from 192.0.2.2 was refused: it is unknown"]
