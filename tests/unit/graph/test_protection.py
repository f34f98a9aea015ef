"""A search by protection finds the queries whose lock says the same."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from keyhole.graph.query_lock import QueryLocks, proof_rules
from keyhole.model.snapshot import Snapshot
from keyhole.querylog.history import Criteria
from keyhole.querylog.history.criteria import SearchError
from keyhole.querylog.history.live import matching_lines
from keyhole.querylog.history.protection import PROOFS, PROTECTIONS, ProofRules
from tests.world.history import Place, line

_NOW = 1_790_000_100_000_000
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
_WHO: list[dict[str, Any]] = [
    {"identity": WEB},
    {"identity": WEB, "token": "tv"},
    {"identity": WEB, "policy": "renew"},
    {"token": "tv"},
    {},
    {"client": None},
    {"client": None, "policy": "devices"},
    {"client": None, "policy": "workloads"},
    {"client": None, "policy": None},
]
_WAYS: list[dict[str, Any]] = [
    {"transport": "udp"},
    {"transport": "tcp"},
    {"transport": "mesh"},
    {"transport": "dot"},
    {"transport": "dot", "tls": "1.3"},
    {"transport": "doh", "tls": "1.2"},
    {"transport": "doh", "tls": "none"},
]
_ENDS: list[dict[str, Any]] = [
    {},
    {"outcome": "refused", "reason": "certificate_untrusted"},
    {"outcome": "refused", "reason": "unknown_token"},
]
LINES = [
    line(_NOW + at, name=f"n{at}.example", **{**who, **way, **end})
    for at, (who, way, end) in enumerate(product(_WHO, _WAYS, _ENDS))
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A history with every way in, by everybody."""
    made = Place(tmp_path_factory.mktemp("protected") / "data")
    made.write(*LINES)
    yield made
    made.close()


def _locks_and_rules(monkeypatch: pytest.MonkeyPatch) -> tuple[QueryLocks, ProofRules]:
    """By documents of which only this counts here: who is known by what, under which policy."""
    known = {
        "home": frozenset({"network", "token"}),
        "devices": frozenset({"token"}),
        "workloads": frozenset({"certificate", "token"}),
        "renew": frozenset({"expired"}),
    }
    module = "keyhole.graph.query_lock"
    monkeypatch.setattr(f"{module}.upstreams_of", lambda _: {})
    monkeypatch.setattr(f"{module}.credentials_of", lambda _: known)
    monkeypatch.setattr(f"{module}.expired_policy_of", lambda _: "renew")
    snapshot = object.__new__(Snapshot)
    return QueryLocks(snapshot), proof_rules(snapshot)


def test_a_search_by_protection_agrees_with_the_lock_of_each_query(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = place.open()
    locks, rules = _locks_and_rules(monkeypatch)

    def names(**wanted: Any) -> set[str]:
        criteria = Criteria(proof_rules=rules, **wanted)
        found = {str(row.fields["name"]) for row in history.search(criteria, limit=1_000).rows}
        # The live tail finds the same.
        assert found == {one["name"] for one in matching_lines(history, criteria, LINES)}
        return found

    by_lock = {one["name"]: locks.incoming(one) for one in LINES}
    closed = {name for name, lock in by_lock.items() if lock.is_closed}
    assert names(protection="protected") == closed
    assert names(protection="open") == by_lock.keys() - closed
    assert 20 < len(closed) < len(LINES) - 20
    for proof in PROOFS:
        expected = {name for name, lock in by_lock.items() if lock.how == proof}
        assert names(proof=proof) == expected
        assert expected
    clear = {"cleartext", "mesh"}
    unencrypted = {
        name for name, lock in by_lock.items() if clear & {word for word, _ in lock.reasons}
    }
    assert names(protection="unencrypted") == unencrypted
    states = ("protected", "encrypted_only", "authenticated_only", "neither")
    found = [names(protection=word) for word in states]
    assert sum(map(len, found)) == len(LINES), "each query has one state"
    assert set().union(*found) == by_lock.keys()
    assert names(protection="unauthenticated") == found[1] | found[3]


def test_a_word_that_is_no_protection_is_refused(place: Place) -> None:
    history = place.open()
    for wanted in (Criteria(protection="' OR true"), Criteria(proof="' OR true")):
        with pytest.raises(SearchError, match="is one of"):
            history.search(wanted)


def test_the_words_of_the_api_are_those_of_the_search() -> None:
    from typing import get_args

    from keyhole.api import query_criteria

    (protections, _), (proofs, _) = (
        get_args(get_args(one)[0]) for one in (query_criteria.Protection, query_criteria.Proof)
    )
    assert get_args(protections) == tuple(PROTECTIONS)
    assert get_args(proofs) == PROOFS
