"""A graph has a limit of nodes, wait times that can be trusted, and changes that add up."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from keyhole.graph.clients import namespace, short
from keyhole.graph.live import change
from keyhole.graph.model import Graph
from keyhole.querylog.history.edge_queries import MAX_CLIENTS
from tests.world.graphs import asked, drawn, edge
from tests.world.history import Place, line

_NOW = 1_790_000_100_000_000
SPAN = (_NOW, _NOW + 60_000_000)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty history."""
    made = Place(tmp_path)
    yield made
    made.close()


def _identity(number: int) -> str:
    return f"spiffe://keyhole.lab/ns/{'shop' if number % 3 else 'build'}/sa/w{number}"


@pytest.mark.parametrize("clients", [40, MAX_CLIENTS + 100])
def test_the_least_busy_clients_are_folded_into_their_groups(place: Place, clients: int) -> None:
    history = place.open()
    rows = [line(_NOW + at, identity=_identity(at), transport="dot") for at in range(clients)]
    place.write(*rows, *(line(_NOW + 9, identity=_identity(7), transport="dot"),) * 3)
    graph = drawn(history, *SPAN, most=12)
    assert len(graph.nodes) <= 12
    assert asked(graph) == graph.traffic.queries == clients + 3
    labels = [one.label for one in graph.nodes]
    assert {"shop/w7", "resolver", "quad9"} <= set(labels), "the busy one and the servers stay"
    folded = {one.group: one for one in graph.nodes if one.kind == "folded"}
    assert folded.keys() == {"namespace:shop", "namespace:build"}
    assert graph.folded == sum(one.members for one in folded.values())
    assert all(one.lock.closed for one in folded.values())


def test_many_groups_are_folded_too(place: Place) -> None:
    history = place.open()
    place.write(*(line(_NOW + at, client=f"10.0.{at}.1") for at in range(100)))
    graph = drawn(history, *SPAN, most=20)
    assert len(graph.nodes) == 20
    assert asked(graph) == 100
    (folded,) = [one for one in graph.nodes if one.kind == "folded"]
    assert (folded.group, folded.members) == ("other", graph.folded)


def test_wait_times_are_right_within_five_percent(place: Place) -> None:
    history = place.open()
    random = Random(1)
    waits = [int(random.lognormvariate(9, 1)) for _ in range(2_000)]
    place.write(*(line(_NOW + at, duration_us=wait) for at, wait in enumerate(waits)))
    place.write(*(line(_NOW + at, reason="cached") for at in range(500)))
    found = edge(drawn(history, *SPAN), "192.0.2.1", "resolver").traffic
    assert found.waited == 2_000
    assert found.wait_us is not None
    waits.sort()
    for share, said in ((0.5, found.wait_us.p50), (0.95, found.wait_us.p95)):
        assert said == pytest.approx(waits[int(share * len(waits)) - 1], rel=0.05)


def test_changes_lead_from_one_graph_to_the_next(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW, identity=_identity(1)), line(_NOW + 1, token="tv"))
    place.write(line(_NOW + 2_000_000, identity=_identity(1), transport="dot"))
    place.write(line(_NOW + 2_000_001, client="10.0.0.1"))
    before = drawn(history, _NOW, _NOW + 1_000_000)
    now = drawn(history, _NOW + 1_000_000, _NOW + 3_000_000)
    found = change(before, now)
    assert found.gone.nodes == ["token:tv"]
    assert found.gone.edges == ["token:tv>engine:local:asks"]
    assert _applied(before, now) == ({one.id: one for one in now.nodes}, _edges(now))
    same = change(now, now)
    assert (same.nodes, same.edges, same.groups) == ([], [], [])


def _edges(graph: Graph) -> dict[str, object]:
    return {one.id: one for one in graph.edges}


def _applied(before: Graph, now: Graph) -> tuple[dict[str, object], dict[str, object]]:
    """Nodes and edges of the graph before, after the change, as a client keeps them."""
    found = change(before, now)
    nodes: dict[str, object] = {
        one.id: one for one in before.nodes if one.id not in found.gone.nodes
    }
    edges = {key: one for key, one in _edges(before).items() if key not in found.gone.edges}
    nodes |= {one.id: one for one in found.nodes}
    return nodes, edges | {one.id: one for one in found.edges}


@pytest.mark.parametrize(
    ("identity", "where", "label"),
    [
        ("spiffe://a.example/ns/shop/sa/web", "shop", "shop/web"),
        ("spiffe://a.example/ns/shop/web", "shop", "shop/web"),
        ("spiffe://a.example/engines/berlin", "engines", "engines/berlin"),
        ("spiffe://a.example/x/y/z", "x/y", "x/y/z"),
        ("spiffe://a.example/web", "", "web"),
    ],
)
def test_a_namespace_is_found_in_the_same_way_for_group_and_criterion(
    place: Place, identity: str, where: str, label: str
) -> None:
    assert (namespace(identity), short(identity)) == (where, label)
    history = place.open()
    place.write(line(_NOW, identity=identity))
    (node,) = [one for one in drawn(history, *SPAN).nodes if one.kind == "workload"]
    if where:
        assert node.group == f"namespace:{where}"
        assert asked(drawn(history, *SPAN, namespace=where)) == 1
    assert asked(drawn(history, *SPAN, namespace="other")) == 0
