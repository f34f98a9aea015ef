"""Section A, limits: requests that stay open count for their client, on all connections (A8)."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.world import own_authority
from tests.world.callers import NOBODY, Caller
from tests.world.crowd import Crowd
from tests.world.resolver import Resolver, document
from tests.world.waiting import until

GREEDY, OTHER = "127.0.0.2", "127.0.0.3"
WEB = "spiffe://example.org/ns/shop/sa/web"
API = "spiffe://example.org/ns/shop/sa/api"
_TRUST: dict[str, Any] = {
    "mesh": {"peers": ["127.0.0.1/32"], "trust_domains": ["example.org"]},
    "authentication": {"doh_cleartext": "permissive"},
}
# Never fewer than those that may wait for an upstream.
_FEW = {"open_requests_per_identity": 4, "waiting_per_identity": 4}
_FEW_OF_NETWORK = {"open_requests_per_network": 4, "waiting_per_network": 4}


def _names(count: int, word: str) -> list[str]:
    return [f"{word}{number}.example.org" for number in range(count)]


@pytest.fixture
def crowd(resolver: Resolver) -> Iterator[Callable[..., Crowd]]:
    made: list[Crowd] = []

    def make(way: str, source: str, caller: Caller = NOBODY) -> Crowd:
        made.append(Crowd(resolver.server, way, source, caller))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _start(resolver: Resolver, **limits: int) -> None:
    resolver.configure(listen=resolver.listen("mesh", "doh_cleartext"), limits=limits, **_TRUST)
    resolver.start()


def _rows(resolver: Resolver) -> list[dict[str, Any]]:
    path = resolver.folder / "log" / "queries.jsonl"
    text = path.read_text() if path.exists() else ""
    rows = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    return [row for row in rows if row["reason"] == "connection_over_limit"]


def test_streams_of_a_network_that_do_not_end_have_a_share(
    resolver: Resolver, crowd: Callable[..., Crowd]
) -> None:
    """A8: over all its connections; what is over it is refused, counted and logged."""
    _start(resolver, **_FEW_OF_NETWORK)
    greedy = [crowd("doh2", GREEDY) for _ in range(3)]
    for number, one in enumerate(greedy):
        one.begin(_names(4, f"greedy{number}-"))
    until(lambda: sum(one.refused() for one in greedy) == 8, "four of them stay open")
    other = crowd("doh2", OTHER)
    other.begin(_names(4, "other"))
    other.end()
    until(lambda: other.count("answered") == 4, "another network is served")
    # Whoever ends what is open is served again.
    for one in greedy:
        one.end()
    until(lambda: sum(one.count("answered") for one in greedy) == 4, "the four are answered")
    greedy[0].ask(_names(4, "again"))
    until(lambda: sum(one.count("answered") for one in greedy) == 8, "it is served again")
    row, *_ = until(lambda: _rows(resolver), "the log has a line")
    assert (row["client"], row["transport"]) == (GREEDY, "doh")
    assert row["rule"].startswith("over_network_share")
    counters = resolver.api("GET", "/status").json()["counters"]
    assert counters["over_network_share"] == 8


def test_streams_of_an_identity_that_a_sidecar_names_have_a_share(
    resolver: Resolver, crowd: Callable[..., Crowd]
) -> None:
    """A8: a client behind the same sidecar is served."""
    policy = {"default": "allow", "upstreams": ["test"], "subjects": [WEB, API]}
    resolver.write(document("Policy", "mesh", **policy))
    _start(resolver, **_FEW)
    web = crowd("cleartext2", "127.0.0.1", Caller(vouched=WEB))
    web.begin(_names(10, "web"))
    until(lambda: web.refused() == 6, "four of web stay open")
    api = crowd("cleartext2", "127.0.0.1", Caller(vouched=API))
    api.begin(_names(4, "api"))
    api.end()
    until(lambda: api.count("answered") == 4, "api is served")


def test_streams_and_connections_of_a_token_have_a_share_wherever_it_is_used(
    resolver: Resolver, crowd: Callable[..., Crowd]
) -> None:
    """A8: another token of the same address has its own."""
    _start(resolver, **_FEW, connections_per_identity=2)
    tokens = [Caller(token=own_authority.create_token(resolver, name)) for name in ("tv", "phone")]
    policy = {"default": "allow", "upstreams": ["test"], "subjects": ["token:tv", "token:phone"]}
    resolver.write(document("Policy", "tokens", **policy))
    resolver.settle()
    used = [crowd("doh2", source, tokens[0]) for source in (GREEDY, OTHER)]
    for one in used:
        one.begin(_names(3, "tv"))
    until(lambda: sum(one.refused() for one in used) == 2, "four of the token stay open")
    third = crowd("doh2", "127.0.0.4", tokens[0])
    third.begin(_names(1, "third"))
    until(third.is_closed, "a third connection of the token is closed")
    phone = crowd("doh2", GREEDY, tokens[1])
    phone.begin(_names(4, "phone"))
    phone.end()
    until(lambda: phone.count("answered") == 4, "another token is served")
    closed = resolver.api("GET", "/status").json()["closed_connections"]
    assert closed["over_identity_share"] == 1
