"""A lock is closed if every query was encrypted and authenticated, else it says why it is open."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyhole import _core
from keyhole.graph.proof import TEXTS, UNPROVED
from keyhole.graph.query import draw
from keyhole.graph.source import EngineInfo, UpstreamInfo
from keyhole.querylog.history import EdgeCriteria
from tests.world.graphs import drawn, edge, source
from tests.world.history import Place, line

_NOW = 1_790_000_100_000_000
SPAN = (_NOW, _NOW + 60_000_000)
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
RESOLVER = "spiffe://keyhole.lab/ns/keyhole/sa/resolver"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty history."""
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("changes", "label", "how", "why"),
    [
        ({"identity": WEB, "transport": "dot"}, "shop/web", "certificate", []),
        ({"identity": WEB, "transport": "doh"}, "shop/web", "certificate", []),
        ({"identity": WEB, "transport": "mesh"}, "shop/web", "certificate", ["mesh"]),
        ({"token": "tv", "transport": "doh"}, "tv", "token", []),
        ({"transport": "udp"}, "192.0.2.1", "network", ["cleartext", "network_only"]),
        ({"transport": "tcp"}, "192.0.2.1", "network", ["cleartext", "network_only"]),
        ({"transport": "dot"}, "192.0.2.1", "network", ["network_only"]),
        (
            {"client": None, "transport": "doh", "policy": "home"},
            "anonymous (home)",
            "unknown",
            ["anonymous"],
        ),
        ({"client": None, "transport": "doh", "policy": "tv"}, "anonymous (tv)", "token", []),
        (
            {"identity": WEB, "transport": "dot", "policy": "enroll"},
            "shop/web (claimed)",
            "unproved",
            ["expired"],
        ),
        (
            {"identity": WEB, "transport": "dot", "reason": "certificate_untrusted"},
            "shop/web (claimed)",
            "unproved",
            ["certificate_untrusted"],
        ),
        (
            {"transport": "dot", "reason": "unknown_token", "outcome": "refused"},
            "192.0.2.1",
            "unproved",
            ["unknown_token"],
        ),
    ],
)
def test_a_client_is_known_by_what_it_proved(
    place: Place, changes: dict[str, Any], label: str, how: str, why: list[str]
) -> None:
    history = place.open()
    place.write(line(_NOW, **changes))
    known = {"tv": frozenset({"token"}), "home": frozenset({"token", "network"})}
    one = source(history, credentials=known, expired_policy="enroll")
    found = edge(draw([one], EdgeCriteria(*SPAN)), label, "resolver")
    assert found.how == {how: 1}
    assert [each.reason for each in found.lock.reasons] == why
    assert found.lock.closed is (why == [])


def test_one_open_query_among_many_opens_the_lock(place: Place) -> None:
    history = place.open()
    place.write(*(line(_NOW + at, identity=WEB, transport="dot") for at in range(99)))
    assert edge(drawn(history, *SPAN), "shop/web", "resolver").lock.closed
    place.write(line(_NOW + 100, identity=WEB, transport="udp"))
    found = edge(drawn(history, *SPAN), "shop/web", "resolver")
    assert not found.lock.closed
    assert [(one.reason, one.queries) for one in found.lock.reasons] == [("cleartext", 1)]
    assert found.lock.reasons[0].text == f"1 query {TEXTS['cleartext']}"
    assert found.traffic.encrypted_share == 0.99
    assert found.traffic.authenticated_share == 1.0


@pytest.mark.parametrize(
    ("protocol", "why"),
    [("doh", []), ("dot", []), ("tcp", ["upstream_cleartext"]), (None, ["upstream_unknown"])],
)
def test_an_upstream_is_closed_if_its_certificate_is_checked(
    place: Place, protocol: str | None, why: list[str]
) -> None:
    history = place.open()
    place.write(line(_NOW, identity=WEB, transport="dot", duration_us=5))
    known = {"quad9": UpstreamInfo("quad9", protocol, frozenset())} if protocol else {}
    graph = draw([source(history, upstreams=known)], EdgeCriteria(*SPAN))
    found = edge(graph, "resolver", "quad9", "forwards")
    assert [each.reason for each in found.lock.reasons] == why
    assert found.lock.closed is (why == [])


def test_a_forwarder_is_one_node_for_the_resolver_and_for_itself(tmp_path: Path) -> None:
    near, far = Place(tmp_path / "near"), Place(tmp_path / "far")
    histories = near.open(), far.open()
    near.write(line(_NOW, identity=WEB, transport="dot", upstream="forwarder", duration_us=9))
    far.write(line(_NOW, identity=RESOLVER, transport="dot", upstream="quad9", duration_us=5))
    place_of_forwarder = frozenset({"127.0.0.1:853"})
    resolver = EngineInfo("local", "resolver", "resolver", identities=frozenset({RESOLVER}))
    forwarder = EngineInfo("forwarder", "forwarder", "forwarder", place_of_forwarder)
    asked = {"forwarder": UpstreamInfo("forwarder", "dot", place_of_forwarder)}
    graph = draw(
        [
            source(histories[0], engines={"local": resolver}, upstreams=asked),
            source(histories[1], engines={"local": forwarder}),
        ],
        EdgeCriteria(*SPAN),
    )
    assert {one.label: one.kind for one in graph.nodes} == {
        "shop/web": "workload",
        "resolver": "resolver",
        "forwarder": "forwarder",
        "quad9": "upstream",
    }
    assert edge(graph, "resolver", "forwarder").how == {"certificate": 1}
    assert edge(graph, "resolver", "forwarder", "forwards").upstreams == {"forwarder": 1}
    assert edge(graph, "forwarder", "quad9", "forwards").lock.closed
    assert graph.traffic.queries == 1, "those of the forwarder are not queries of clients"
    near.close()
    far.close()


def test_each_word_for_a_refused_client_is_a_reason_of_the_core() -> None:
    reasons = {row["word"] for row in json.loads(_core.catalogue())["reasons"]}
    assert reasons >= UNPROVED
    assert not reasons & TEXTS.keys()
