"""A search finds the queries of one client only: what it proved tells it from others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyhole.querylog.history import Criteria
from keyhole.querylog.history.criteria import SearchError
from keyhole.querylog.history.live import matching_lines
from keyhole.querylog.history.protection import ProofRules
from tests.world.history import Place, line

_NOW = 1_790_000_100_000_000
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
UNTRUSTED = {"outcome": "refused", "reason": "certificate_untrusted"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty history."""
    made = Place(tmp_path)
    yield made
    made.close()


def test_a_search_tells_clients_apart_by_what_they_are_known_by(place: Place) -> None:
    history = place.open()
    clients: list[dict[str, Any]] = [
        {"identity": WEB, "name": "proved.example"},
        {"identity": WEB, "name": "refused.example", **UNTRUSTED},
        {"identity": WEB, "name": "expired.example", "policy": "renew"},
        {"token": "tv", "name": "token.example"},
        {"name": "address.example"},
        {"client": None, "name": "anonymous.example"},
    ]
    lines = [line(_NOW + at, **one) for at, one in enumerate(clients)]
    place.write(*lines)
    history.ingest()

    def found(kind: str, expired: str | None = "renew", **wanted: Any) -> list[Any]:
        rules = ProofRules(("certificate_untrusted",), expired)
        criteria = Criteria(client_kind=kind, proof_rules=rules, **wanted)
        rows = history.search(criteria, limit=9).rows
        names = [str(row.fields["name"]) for row in rows]
        # The live tail finds the same.
        live = matching_lines(history, criteria, lines)
        assert sorted(names) == sorted(one["name"] for one in live)
        return [name.split(".")[0] for name in names]

    assert found("identity") == ["proved"]
    assert found("identity", expired=None) == ["expired", "proved"]
    assert found("claimed", client=WEB) == ["expired", "refused"]
    assert found("token") == ["token"]
    assert found("address", client="192.0.2.1") == ["address"]
    assert found("anonymous") == ["anonymous"]
    with pytest.raises(SearchError, match="client_kind is one of identity"):
        found("stranger")


def test_a_search_knows_the_address_and_the_versions_of_tls(place: Place) -> None:
    history = place.open()
    ways: list[dict[str, Any]] = [
        {"name": "clear", "transport": "udp", "upstream_tls": "1.3"},
        {"name": "new", "transport": "dot", "tls": "1.3", "upstream_tls": "1.2", "identity": WEB},
        {"name": "old", "transport": "doh", "tls": "1.2", "upstream": None, "client": "192.0.2.9"},
        {"name": "http", "transport": "doh", "tls": "none", "upstream": None, "token": "tv"},
        {"name": "mesh", "transport": "mesh", "client": None},
    ]
    lines = [line(_NOW + at, **one) for at, one in enumerate(ways)]
    place.write(*lines)
    history.ingest()

    def found(**wanted: Any) -> set[str]:
        criteria = Criteria(**wanted)
        names = {str(row.fields["name"]) for row in history.search(criteria, limit=9).rows}
        assert names == {one["name"] for one in matching_lines(history, criteria, lines)}
        return names

    assert found(tls="1.3") == {"new"}
    assert found(tls="none") == {"clear", "http"}
    assert found(tls="unknown") == {"mesh"}
    assert found(upstream_tls="1.3") == {"clear"}
    # What was sent to no upstream has no way out.
    assert found(upstream_tls="none") == {"mesh"}
    # The address counts whoever asked from it.
    assert found(address="192.0.2.1") == {"clear", "new", "http"}
    assert found(address="192.0.2.1", client=WEB) == {"new"}
    assert found(address="192.0.2.9", tls="1.3") == set()
    with pytest.raises(SearchError, match="a version of TLS is one of"):
        found(tls="1.1")
