"""The graph has the numbers of log and statistics, for each time span and all criteria."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyhole.graph.query import draw
from keyhole.graph.render_table import render_table
from keyhole.querylog.history import Criteria, EdgeCriteria, History, Retention
from keyhole.querylog.history.edge_queries import MAX_DOMAINS
from tests.world.graphs import asked, drawn, source
from tests.world.history import Place, line

_DAY = 86_400
_NOW = 1_790_000_100
_START = (_NOW - 600) * 1_000_000
_END = _NOW * 1_000_000
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
CI = "spiffe://keyhole.lab/build/jobs/ci"
BLOCKED = {"outcome": "blocked", "reason": "blocked_by_list", "upstream": None}
FAILED = {"outcome": "failed", "reason": "upstream_timeout", "duration_us": 4_000_000}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A history with a fixed clock."""
    monkeypatch.setattr("time.time", lambda: float(_NOW))
    made = Place(tmp_path)
    yield made
    made.close()


def _rows() -> list[dict[str, Any]]:
    """Queries of several clients over ten minutes, in an order that tells nothing."""
    clients: list[dict[str, Any]] = [
        {"identity": WEB, "transport": "dot", "policy": "web"},
        {"identity": CI, "transport": "doh", "policy": "ci"},
        {"token": "tv", "transport": "doh", "policy": "tv"},
        {"client": None, "transport": "doh", "policy": "tv"},
        {},
    ]
    ends: list[dict[str, Any]] = [{}, BLOCKED, FAILED, {"reason": "cached"}, {"duration_us": 900}]
    return [
        line(_START + number * 6_000_000, **clients[number % 5], **ends[number * 7 % 11 % 5])
        for number in range(100)
    ]


def _fill(place: Place) -> History:
    history = place.open()
    place.write(*_rows()[:60])
    history.ingest()
    turned_away = {"outcome": "refused", "reason": "no_policy", "name": None, "upstream": None}
    place.write(*_rows()[60:], line(_START + 5, count=7, **turned_away))
    counted = {
        "log": "first",
        "since": _NOW - 700,
        "time": _NOW - 300,
        "queries": [["udp", "answered", "cached", 40, 4]],
    }
    (place.spool / "counts.jsonl").write_text(json.dumps(counted) + "\n")
    history.ingest()
    return history


def _log(history: History, **wanted: Any) -> list[dict[str, Any]]:
    page = history.search(Criteria(since=_START, until=_END, **wanted), limit=1_000)
    assert page.next is None
    return [row.fields for row in page.rows]


def _queries(rows: list[dict[str, Any]]) -> int:
    return sum(row.get("count", 1) for row in rows)


def test_the_edges_add_up_to_the_statistics_and_to_the_log(place: Place) -> None:
    history = _fill(place)
    graph, totals = drawn(history, _START, _END), history.totals(_START, _END)
    assert totals.unlogged > 0
    assert totals.lost > 0
    assert asked(graph) == graph.traffic.queries == totals.total
    assert graph.traffic.by_outcome == totals.by_outcome
    assert graph.traffic.by_reason == totals.by_reason
    assert graph.traffic.by_transport == totals.by_transport
    assert graph.traffic.waited == totals.waited
    uncounted = {one.id: one.traffic.queries for one in graph.nodes if one.kind == "uncounted"}
    assert uncounted == {"uncounted:lost": totals.lost, "uncounted:unlogged": totals.unlogged}
    assert totals.total - sum(uncounted.values()) == _queries(_log(history))


def test_each_client_has_the_numbers_of_the_log(place: Place) -> None:
    history = _fill(place)
    nodes = {one.name: one.traffic for one in drawn(history, _START, _END).nodes}
    for client in (WEB, CI, "tv"):
        rows = _log(history, client=client)
        assert nodes[client].queries == len(rows)
        outcomes = Counter(row["outcome"] for row in rows)
        assert nodes[client].by_outcome == outcomes
        assert nodes[client].errors == outcomes["failed"]
        assert nodes[client].blocked_share == outcomes["blocked"] / len(rows)


def test_upstreams_have_the_queries_that_were_sent_to_them(place: Place) -> None:
    history = _fill(place)
    (edge,) = [one for one in drawn(history, _START, _END).edges if one.kind == "forwards"]
    assert edge.target == "upstream:quad9"
    assert history.forwarded(_START, _END) == {"quad9": edge.traffic.by_reason["forwarded"]}
    timed_out = _log(history, reason="upstream_timeout")
    assert edge.traffic.errors == len(timed_out)
    assert "cached" not in edge.traffic.by_reason


@pytest.mark.parametrize(
    ("given", "of_log"),
    [
        ({"transport": "dot"}, {"transport": "dot"}),
        ({"outcome": "blocked"}, {"outcome": "blocked"}),
        ({"policy": "tv"}, {"policy": "tv"}),
        ({"namespace": "shop"}, {"client": "spiffe://keyhole.lab/ns/shop/*"}),
        ({"namespace": "build/jobs"}, {"client": "spiffe://keyhole.lab/build/jobs/*"}),
        ({"namespace": "sho"}, {"policy": "none"}),
        ({"policy": "web", "outcome": "failed"}, {"policy": "web", "outcome": "failed"}),
    ],
)
def test_a_criterion_leaves_what_the_log_finds(
    place: Place, given: dict[str, Any], of_log: dict[str, str]
) -> None:
    history = _fill(place)
    graph = drawn(history, _START, _END, **given)
    assert asked(graph) == graph.traffic.queries == _queries(_log(history, **of_log))


def test_a_part_of_the_past_is_drawn_as_it_was(place: Place) -> None:
    history = _fill(place)
    graph = drawn(history, _START + 60_000_000, _START + 120_000_000, namespace="shop")
    assert asked(graph) == 2
    assert graph.traffic.rate == pytest.approx(2 / 60, abs=0.001)
    assert drawn(history, 0, 1).nodes == []


def test_rates_are_over_the_part_of_the_time_span_that_was_observed(place: Place) -> None:
    history = _fill(place)
    known = source(history, first=lambda: history.first)
    a_day = EdgeCriteria(_END - _DAY * 1_000_000, _END + 3_600_000_000)
    graph = draw([known], a_day)
    # The first query came ten minutes before the fixed clock, which stands at the end.
    assert graph.observed_seconds == 600
    assert graph.traffic.rate == round(graph.traffic.queries / 600, 3)
    lines = render_table(graph.model_dump(mode="json"))
    assert "rates are over 0:10:00 of that: the part that was observed" in lines
    whole = draw([known], EdgeCriteria(_START, _END))
    assert whole.observed_seconds == 600
    assert not any("observed" in one for one in render_table(whole.model_dump(mode="json")))


def test_the_series_adds_up_to_each_edge(place: Place) -> None:
    history = _fill(place)
    graph = drawn(history, _START, _END, step=60_000_000)
    assert graph.step == 60
    starts = [round(one.time.timestamp() * 1_000_000) for one in graph.intervals]
    assert starts == [_START + number * 60_000_000 for number in range(10)]
    for edge in graph.edges:
        counts = [one.edges[edge.id] for one in graph.intervals if edge.id in one.edges]
        assert sum(one.queries for one in counts) == edge.traffic.queries
        assert sum(one.errors for one in counts) == edge.traffic.errors
        blocked = edge.traffic.by_outcome.get("blocked", 0)
        assert sum(one.blocked for one in counts) == blocked
        assert sum(one.unprotected for one in counts) == edge.traffic.unprotected
        assert (edge.traffic.unprotected == 0) == edge.lock.closed
    totals = [one.total for one in graph.intervals]
    assert sum(one.queries for one in totals) == graph.traffic.queries
    assert sum(one.errors for one in totals) == graph.traffic.errors
    assert sum(one.unprotected for one in totals) == graph.traffic.unprotected


def test_the_series_tells_when_a_lock_was_open(place: Place) -> None:
    history = place.open()
    minute = 60_000_000
    rows = [line(_START + at * minute, identity=WEB, transport="dot") for at in range(5)]
    clear = line(_START + 2 * minute + 1, identity=WEB, transport="tcp")
    place.write(*rows, clear)
    history.ingest()
    graph = drawn(history, _START, _START + 5 * minute, step=minute)
    (asks,) = [one for one in graph.edges if one.kind == "asks"]
    assert [one.edges[asks.id].unprotected for one in graph.intervals] == [0, 0, 1, 0, 0]
    assert [one.edges[asks.id].queries for one in graph.intervals] == [1, 1, 2, 1, 1]
    assert (graph.traffic.queries, graph.traffic.unprotected) == (6, 1)


def test_queries_whose_rows_are_deleted_are_still_part_of_the_sum(place: Place) -> None:
    history = place.open()
    for day in (4, 3, 2, 1):
        moment = (_NOW - day * _DAY) * 1_000_000
        place.write(*(line(moment + number, transport="dot") for number in range(10)))
        history.ingest()
    before = history.totals(0, _END)
    history = place.open(Retention(2.5 * _DAY, 2**40, 365 * _DAY))
    assert history.maintain() == 20
    graph = drawn(history, 0, _END)
    assert asked(graph) == graph.traffic.queries == before.total == 40
    nodes = {one.id: one.traffic.queries for one in graph.nodes if one.kind == "uncounted"}
    assert nodes == {"uncounted:deleted": 20}


def test_domains_are_drawn_when_they_are_asked_for(place: Place) -> None:
    history = place.open()
    names = ("a.b.example.org", "example.org", "www.shop.co.uk", "localhost")
    place.write(*(line(_START + at, name=name) for at, name in enumerate(names)))
    assert {one.kind for one in drawn(history, _START, _END).edges} == {"asks", "forwards"}
    graph = drawn(history, _START, _END, has_domains=True)
    assert {one.label: one.traffic.queries for one in graph.nodes if one.kind == "domain"} == {
        "example.org": 2,
        "shop.co.uk": 1,
    }
    assert asked(graph) == 4


def test_more_domains_than_are_told_apart_are_summed_up(place: Place) -> None:
    history = place.open()
    place.write(
        *(
            line(_START + at, name=f"www.d{at % (MAX_DOMAINS + 20)}.example", token="tv")
            for at in range(MAX_DOMAINS + 50)
        )
    )
    graph = drawn(history, _START, _END, has_domains=True)
    names = [one for one in graph.edges if one.kind == "names"]
    assert sum(one.traffic.queries for one in names) == MAX_DOMAINS + 50
    assert [one.target for one in names if one.traffic.queries > 2] == ["domain:*"]
    assert len(names) == MAX_DOMAINS + 1
