"""The routes of the link refuse unauthorized clients and malformed messages."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from keyhole.link import application as module
from keyhole.link.application import RefusedError, application
from keyhole.link.message import COUNTS, EVENTS, OFFER, POLL, Poll
from keyhole.link.peer import Peer
from keyhole.link.remote_peer import Offer, RemotePeer

OFFERED = Offer("abc", 3, b'{"number": 3}', None, "", ())


class FakeService:
    """Stores the received log lines."""

    offer: Offer | None = OFFERED

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, int, bytes]] = []

    async def position(self, engine: str) -> dict[str, Any] | None:
        return {"spool": engine, "offset": 7}

    async def store_lines(self, engine: str, spool: str, offset: int, lines: bytes) -> None:
        if not lines.endswith(b"\n"):
            raise ValueError("give whole lines")
        self.taken.append((engine, spool, offset, lines))

    async def store_counts(self, engine: str, lines: bytes) -> None:
        self.taken.append((engine, "", 0, lines))


def _client(service: FakeService | None = None, *, refuses: bool = False) -> TestClient:
    peer = RemotePeer("spiffe://a/b")

    def find(_: Request) -> Peer:
        if refuses:
            raise RefusedError("not in link.engines")
        return peer

    return TestClient(application(find, service))


ROUTES = [
    ("POST", POLL),
    ("GET", f"{OFFER}/abc/snapshot"),
    ("GET", f"{OFFER}/abc/lists"),
    ("GET", EVENTS),
    ("POST", f"{EVENTS}?spool=a&offset=1"),
    ("POST", COUNTS),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_whoever_is_no_engine_gets_nothing_anywhere(method: str, path: str) -> None:
    answer = _client(FakeService(), refuses=True).request(method, path)
    assert (answer.status_code, answer.json()) == (403, {"why": "not in link.engines"})


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"{}", b'{"engine": {}, "results": []}', b"\xff", b"1" * 9]
)
def test_what_is_no_poll_is_refused_with_the_reason(body: bytes) -> None:
    answer = _client().post(POLL, content=body)
    assert answer.status_code == 400
    assert answer.json()["why"]


def test_a_body_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_POLL_OCTETS", 1000)
    answer = _client().post(POLL, content=b" " * 1001)
    assert (answer.status_code, answer.json()) == (400, {"why": "more than 1000 octets"})


def test_the_snapshot_is_given_by_its_mark_alone() -> None:
    client = _client(FakeService())
    assert client.get(f"{OFFER}/abc/snapshot").json() == {"number": 3}
    assert client.get(f"{OFFER}/old/snapshot").status_code == 403
    assert client.get(f"{OFFER}/abc/lists").status_code == 403, "there are none"


def test_lines_of_a_log_are_kept_with_their_place() -> None:
    service = FakeService()
    client = _client(service)
    assert client.get(EVENTS).json() == {"position": {"spool": "spiffe://a/b", "offset": 7}}
    assert client.post(f"{EVENTS}?spool=s&offset=9", content=b"{}\n").status_code == 200
    assert service.taken == [("spiffe://a/b", "s", 9, b"{}\n")]
    for query, lines in (("spool=s&offset=x", b"{}\n"), ("spool=s", b"{}\n"), ("offset=9", b"{}")):
        assert client.post(f"{EVENTS}?{query}", content=lines).status_code == 400


def test_beside_control_there_are_no_offers() -> None:
    assert _client().get(f"{OFFER}/abc/snapshot").status_code == 404


def test_a_poll_of_another_version_is_read_with_defaults() -> None:
    engine = {"instance": "a", "pid": 1, "version": "0", "addresses": {}, "number": None}
    found = Poll.read(json.loads(json.dumps({"engine": engine, "results": []})))
    assert found.about.mark == ""
