"""Who asked, and when last: the numbers of the graph, and the activity of one client."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyhole.querylog.history import Asker, Claims, EdgeCriteria, EdgeRow, History
from keyhole.querylog.history.edge_queries import MAX_ASKERS
from tests.world.history import Place, line

_NOW = 1_790_000_100
_START = (_NOW - 600) * 1_000_000
_END = _NOW * 1_000_000
_SPAN = EdgeCriteria(_START, _END, 60_000_000)
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
CLAIMS = Claims(("identity_revoked", "certificate_untrusted"), "renew")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A history with a fixed clock."""
    monkeypatch.setattr("time.time", lambda: float(_NOW))
    made = Place(tmp_path)
    yield made
    made.close()


def _fill(place: Place) -> History:
    history = place.open()
    web = {"identity": WEB, "transport": "dot"}
    refused = {"outcome": "refused", "reason": "identity_revoked", "upstream": None}
    place.write(
        line(_START + 1, **web, name="a.example", duration_us=900),
        line(_START + 2, **web, name="a.example", client="192.0.2.9"),
        line(_START + 61_000_000, **web, name="b.example", outcome="blocked"),
        line(_START + 3, **web, **refused),
        line(_START + 4, **web, policy="renew"),
        line(_START + 5, token="tv", transport="doh"),
        line(_START + 6, client="192.0.2.1"),
        line(_START + 7, client=None, transport="doh", policy="hidden"),
        line(_START + 8, name=None, type=None, count=5, outcome="refused", reason="no_policy"),
    )
    history.ingest()
    counted = {
        "log": "first",
        "since": _NOW - 700,
        "time": _NOW - 300,
        "queries": [["udp", "answered", "cached", 40, 4]],
    }
    (place.spool / "counts.jsonl").write_text(json.dumps(counted) + "\n")
    history.ingest()
    return history


def _sums(rows: list[EdgeRow]) -> Counter[tuple[str | None, ...]]:
    sums: Counter[tuple[str | None, ...]] = Counter()
    for one in rows:
        address = one.client if one.identity is None and one.token is None else None
        who = (one.identity, one.token, address, one.policy, one.origin)
        sums[(*who, one.transport, one.outcome, one.reason, one.upstream)] += one.queries
    return sums


def test_the_counts_are_those_of_the_graph(place: Place) -> None:
    history = _fill(place)
    ours, theirs = history.askers(_SPAN), history.edges(_SPAN)
    assert _sums([one.edge for one in ours]) == _sums(
        [one for one in theirs if one.kind == "client"]
    )
    assert sum(one.edge.waited for one in ours) == 1


def test_each_client_has_the_time_of_its_last_query(place: Place) -> None:
    history = _fill(place)
    last = {one.edge.token: one.last for one in history.askers(_SPAN) if one.edge.token}
    assert last == {"tv": _START + 5}
    uncounted = [one.last for one in history.askers(_SPAN) if one.edge.origin != "row"]
    assert set(uncounted) == {None}


def test_clients_beyond_the_most_are_summed_up_and_none_is_lost(place: Place) -> None:
    history = place.open()
    place.write(
        *(
            line(_START + number, client=f"10.0.{number // 250}.{number % 250 + 1}")
            for number in range(MAX_ASKERS + 20)
        )
    )
    history.ingest()
    rows = [one.edge for one in history.askers(_SPAN)]
    assert sum(one.queries for one in rows) == MAX_ASKERS + 20
    assert {one.client: one.queries for one in rows}["*"] == 20


def test_the_activity_of_a_client_is_its_own(place: Place) -> None:
    history = _fill(place)
    found = history.activity(Asker("identity", WEB), CLAIMS, _SPAN)
    assert [(one.value, one.total, one.withheld) for one in found.names] == [
        ("a.example", 2, 0),
        ("b.example", 1, 1),
    ]
    assert [(one.address, one.queries) for one in found.addresses] == [
        ("192.0.2.1", 2),
        ("192.0.2.9", 1),
    ]
    assert found.series == [
        (_START, {"answered": 2}),
        (_START + 60_000_000, {"blocked": 1}),
    ]


@pytest.mark.parametrize(
    ("asker", "queries"),
    [
        (Asker("claimed", WEB), 2),
        (Asker("token", "tv"), 1),
        (Asker("address", "192.0.2.1"), 6),
        (Asker("anonymous", "hidden"), 1),
        (Asker("identity", "spiffe://keyhole.lab/nobody"), 0),
    ],
)
def test_a_claim_is_apart_from_the_identity_and_an_address_from_credentials(
    place: Place, asker: Asker, queries: int
) -> None:
    found = _fill(place).activity(asker, CLAIMS, _SPAN)
    assert sum(sum(counts.values()) for _, counts in found.series) == queries


def test_what_was_only_claimed_is_no_use_of_an_identity(place: Place) -> None:
    history = _fill(place)
    refused = {"outcome": "refused", "reason": "identity_revoked"}
    place.write(line(_END - 1, identity=WEB, **refused))
    history.ingest()
    assert history.last_seen(_START, CLAIMS) == {
        Asker("identity", WEB): _START + 61_000_000,
        Asker("token", "tv"): _START + 5,
    }
    assert history.last_seen(_START + 62_000_000, CLAIMS) == {}
