"""Queries as the series of an extension of Kiali: each counted once, with one lock an edge."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from keyhole.graph.kiali import MAX_CLIENTS, KialiCounts
from keyhole.metrics import render
from keyhole.metrics.kiali import kiali_metrics
from tests.world.graphs import drawn, source
from tests.world.history import Place, line

_NOW = 1_790_000_100_000_000
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
# The labels by which Kiali groups the series.
LABELS = {
    "dest_cluster", "dest_namespace", "dest_name", "flags", "protocol", "secure", "source_cluster",
    "source_is_root", "source_namespace", "source_name", "status_code", "extension",
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty history."""
    made = Place(tmp_path)
    yield made
    made.close()


def counted(place: Place, *rows: dict[str, Any]) -> list[tuple[dict[str, str], float]]:
    """The series after these rows, as Prometheus reads them."""
    history = place.open()
    history.fresh_edges.watch()
    place.write(*rows)
    history.ingest()
    counts = KialiCounts("keyhole")
    counts.add(history.fresh_edges.take(), source(history))
    page = render(kiali_metrics(counts.counts.items(), "Kubernetes"), "").octets.decode()
    return [
        (dict(sample.labels), sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "kiali_ext_requests_total"
    ]


def test_a_series_has_the_labels_that_kiali_reads_and_the_verdict(place: Place) -> None:
    found = counted(
        place,
        line(_NOW, identity=WEB, transport="dot", tls="1.3", duration_us=9),
        line(_NOW, identity=WEB, transport="dot", tls="1.3", reason="cached"),
        line(
            _NOW,
            identity=WEB,
            transport="dot",
            outcome="blocked",
            reason="blocked_by_list",
            upstream=None,
        ),
        line(_NOW, identity=WEB, transport="udp", upstream=None, reason="local_record"),
    )
    assert all(labels.keys() == LABELS for labels, _ in found)
    assert all(labels["protocol"] == "http" for labels, _ in found)
    told = {
        (
            f"{one['source_namespace']}/{one['source_name']}",
            f"{one['dest_namespace']}/{one['dest_name']}",
            one["secure"],
            one["status_code"],
            one["flags"],
        ): value
        for one, value in found
    }
    assert told == {
        ("shop/web", "keyhole/resolver", "true", "200", ""): 2,
        ("shop/web", "keyhole/resolver", "true", "403", "blocked_by_list"): 1,
        ("shop/web (unprotected)", "keyhole/resolver", "false", "200", ""): 1,
        ("keyhole/resolver", "keyhole/quad9", "true", "200", ""): 1,
    }


def test_no_edge_has_two_locks_and_no_client_is_named_by_its_address(place: Place) -> None:
    claimed = {"outcome": "refused", "reason": "certificate_untrusted", "upstream": None}
    rows = [
        line(_NOW, transport="udp"),
        line(_NOW, transport="dot", client="192.0.2.77"),
        line(_NOW, client=None, transport="dot"),
        line(_NOW, token="tv", transport="doh", tls="1.3"),
        line(_NOW, token="tv", transport="doh", tls="none"),
        line(_NOW, identity=f"{WEB}1", transport="dot", **claimed),
        line(_NOW, identity=f"{WEB}2", transport="dot", **claimed),
    ]
    found = counted(place, *rows)
    locks: dict[tuple[str, str], set[str]] = defaultdict(set)
    for labels, _ in found:
        locks[labels["source_name"], labels["dest_name"]].add(labels["secure"])
    assert {len(one) for one in locks.values()} == {1}
    assert {name for name, dest in locks if dest == "resolver"} == {
        "clients known by their network",
        "clients of anonymous policies (unprotected)",
        "tv",
        "tv (unprotected)",
        "clients that proved nothing",
    }
    assert not any("192.0.2" in value for labels, _ in found for value in labels.values())
    asked = sum(value for labels, value in found if labels["dest_name"] == "resolver")
    assert asked == len(rows)


def test_however_many_clients_there_are_the_series_have_a_bound(place: Place) -> None:
    number = 3 * MAX_CLIENTS
    rows = [
        line(_NOW + at, identity=f"{WEB}{at}", transport="dot", reason="cached")
        for at in range(number)
    ]
    found = counted(place, *rows)
    assert len(found) <= MAX_CLIENTS + 1
    assert sum(value for _, value in found) == number


def test_each_row_is_counted_once_and_as_the_graph_has_it(place: Place) -> None:
    history = place.open()
    history.fresh_edges.watch()
    counts = KialiCounts("keyhole")
    for part in range(3):
        place.write(*(line(_NOW + part * 10 + at, identity=WEB) for at in range(7)))
        history.ingest()
        history.maintain()
        counts.add(history.fresh_edges.take(), source(history))
        counts.add(history.fresh_edges.take(), source(history))
    asked = sum(value for key, value in counts.counts.items() if key.dest_name == "resolver")
    assert asked == drawn(history, _NOW, _NOW + 100).traffic.queries == 21


def test_nothing_is_gathered_before_somebody_counts(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW))
    history.ingest()
    assert history.fresh_edges.take() == []
