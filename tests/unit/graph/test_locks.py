"""A lock is closed if every query was encrypted and authenticated, else it says why it is open."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from keyhole import _core
from keyhole.graph.kiali import KialiCounts
from keyhole.graph.proof import TEXTS, UNPROVED
from keyhole.graph.query import draw
from keyhole.graph.render_table import render_table
from keyhole.graph.source import EngineInfo, Source, UpstreamInfo
from keyhole.querylog.history import Criteria, EdgeCriteria, EdgeRow
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
        ({"identity": WEB, "transport": "doh", "tls": "none"}, "shop/web", "certificate", ["mesh"]),
        ({"token": "tv", "transport": "doh"}, "tv", "token", []),
        ({"token": "tv", "transport": "doh", "tls": "1.3"}, "tv", "token", []),
        ({"token": "tv", "transport": "doh", "tls": "none"}, "tv", "token", ["cleartext"]),
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
    ("protocol", "is_clear", "why"),
    [
        ("doh", False, []),
        ("dot", False, []),
        ("tcp", False, ["upstream_cleartext"]),
        ("tcp", True, ["upstream_in_the_clear"]),
        (None, False, ["upstream_unknown"]),
    ],
)
def test_an_upstream_is_closed_if_its_certificate_is_checked(
    place: Place, protocol: str | None, is_clear: bool, why: list[str]
) -> None:
    history = place.open()
    place.write(line(_NOW, identity=WEB, transport="dot", duration_us=5))
    info = UpstreamInfo("quad9", protocol or "", frozenset(), is_clear=is_clear)
    known = {"quad9": info} if protocol else {}
    graph = draw([source(history, upstreams=known)], EdgeCriteria(*SPAN))
    found = edge(graph, "resolver", "quad9", "forwards")
    assert [each.reason for each in found.lock.reasons] == why
    assert found.lock.closed is (why == [])


def test_an_edge_tells_how_many_queries_came_over_which_version_of_tls(place: Place) -> None:
    history = place.open()
    over = {"identity": WEB, "duration_us": 5}
    place.write(
        line(_NOW, **over, transport="dot", tls="1.3", upstream_tls="1.3"),
        line(_NOW + 1, **over, transport="doh", tls="1.3", upstream_tls="1.2"),
        line(_NOW + 2, **over, transport="dot", tls="1.2"),
        line(_NOW + 3, **over, transport="dot"),
        line(_NOW + 4, **over, transport="mesh"),
        line(_NOW + 5, **over, transport="udp"),
        line(_NOW + 6, **over, transport="doh", tls="none"),
        line(_NOW + 7, identity=WEB, transport="doh", tls="1.3", reason="cached"),
    )
    graph = draw([source(history)], EdgeCriteria(*SPAN, has_domains=True))
    versions = {"1.3": 3, "none": 2, "unknown": 2, "1.2": 1}
    assert edge(graph, "shop/web", "resolver").tls == versions
    assert edge(graph, "resolver", "example.org", "names").tls == versions
    assert edge(graph, "resolver", "quad9", "forwards").tls == {"unknown": 5, "1.2": 1, "1.3": 1}


def test_queries_from_before_tls_was_kept_are_drawn_with_those_from_after(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW, identity=WEB, transport="dot"))
    history.ingest()
    (segment,) = history.segments
    file = segment.path("rows")
    columns = "* EXCLUDE (answer, tls, upstream_tls)"
    duckdb.execute(f"CREATE OR REPLACE TEMP TABLE before AS SELECT {columns} FROM '{file}'")
    duckdb.execute(f"COPY before TO '{file}' (FORMAT parquet)")
    place.write(line(_NOW + 1, identity=WEB, transport="dot", tls="1.3"))
    history.ingest()
    found = edge(drawn(history, *SPAN), "shop/web", "resolver")
    assert (found.traffic.queries, found.tls) == (2, {"1.3": 1, "unknown": 1})
    assert found.lock.closed
    rows = history.search(Criteria(), limit=9).rows
    assert [row.fields.get("tls") for row in rows] == ["1.3", None]


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


@pytest.mark.parametrize(
    ("transport", "state", "unknown", "authenticated"),
    [
        ("dot", "unknown", 1, 1.0),
        ("doh", "unknown", 1, 1.0),
        ("mesh", "open", 0, 0.5),
        ("udp", "open", 0, 0.5),
    ],
)
def test_of_a_query_that_is_not_logged_is_known_no_more_than_its_transport_says(
    transport: str, state: str, unknown: int, authenticated: float
) -> None:
    rows = [
        EdgeRow("answered", "cached", 1, "dot", identity=WEB),
        EdgeRow("answered", "cached", 1, transport, origin="unlogged"),
    ]
    one = Source(lambda _: rows, {"local": EngineInfo("local", "resolver", "resolver")})
    graph = draw([one], EdgeCriteria(*SPAN))
    found = edge(graph, "queries kept out of the log", "resolver")
    assert (found.lock.state, found.lock.closed) == (state, False)
    assert (graph.traffic.unknown, graph.traffic.authenticated_share) == (unknown, authenticated)
    assert edge(graph, "shop/web", "resolver").lock.state == "closed"
    counts = KialiCounts("keyhole")
    counts.add(rows, one)
    assert [series.secure for series in counts.counts] == [True, False]
    shown = "\n".join(render_table(graph.model_dump(mode="json")))
    assert ("not known 1" in shown) is (unknown == 1)


def test_a_query_over_doh_that_is_not_logged_may_have_come_over_http() -> None:
    rows = [EdgeRow("answered", "cached", 1, "doh", origin="unlogged")]
    engines = {"local": EngineInfo("local", "resolver", "resolver")}
    graph = draw([Source(lambda _: rows, engines, has_plain_doh=True)], EdgeCriteria(*SPAN))
    lock = edge(graph, "queries kept out of the log", "resolver").lock
    assert [one.reason for one in lock.reasons] == ["perhaps_http"]
