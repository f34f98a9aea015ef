"""The policy of a client, and why: what the engine decides, said for people."""

from typing import Any

import pytest
from hypothesis import given, settings

from keyhole.engine import explain
from keyhole.policy.subject_match import PolicyMatch, SubjectTables, why

from .conftest import UPSTREAM, document
from .test_compile_subjects import (
    ADDRESSES,
    DOMAIN,
    IDENTITIES,
    TOKENS,
    World,
    compiled,
    worlds,
)

ELSEWHERE = [f"{DOMAIN}/a/b/c/d", f"{DOMAIN}/z", "spiffe://example.net/a"]


def _engine(octets: bytes, who: dict[str, str], *, expired: bool = False) -> dict[str, Any]:
    told = explain(octets, "www.example.org", "A", who=who, expired=expired)["client"]
    return {word: told[word] for word in ("policy", "subject", "client")}


def _ours(match: PolicyMatch | None) -> dict[str, Any]:
    assert match is not None
    name = match.policy.name if match.policy else None
    # The engine does not say who a client is that it refuses.
    client = match.client if name else None
    return {"policy": name, "subject": match.subject, "client": client}


@settings(deadline=None, max_examples=15)
@given(worlds())
def test_each_client_has_the_policy_that_the_engine_gives_it(world: World) -> None:
    snapshot = world.snapshot()
    tables, octets = SubjectTables(snapshot), snapshot.to_json()
    for one in [*IDENTITIES, *ELSEWHERE]:
        assert _ours(tables.identity(one)) == _engine(octets, {"identity": one})
    for one in TOKENS:
        assert _ours(tables.token(one)) == _engine(octets, {"token": one})
    for one in [*ADDRESSES, "::ffff:10.1.1.1"]:
        assert _ours(tables.address(one)) == _engine(octets, {"address": one})


def test_an_expired_certificate_has_the_policy_for_those() -> None:
    snapshot = compiled(
        document("Policy", "renew", "subjects: [expired]"),
        document("Policy", "own", f"subjects: [{IDENTITIES[0]}]"),
        UPSTREAM,
    )
    tables, who = SubjectTables(snapshot), {"identity": IDENTITIES[0]}
    ours = _ours(tables.expired(IDENTITIES[0]))
    assert ours == _engine(snapshot.to_json(), who, expired=True)
    assert ours["policy"] == "renew"


def test_a_token_that_does_not_exist_has_no_policy() -> None:
    snapshot = compiled(document("Policy", "own", "subjects: []"), UPSTREAM)
    assert SubjectTables(snapshot).token("gone") is None


@pytest.mark.parametrize(
    ("subject", "shown", "sentence"),
    [
        ("spiffe://example.org/a", "spiffe://example.org/a", "the policy names spiffe"),
        ("token:tv", "tv", "the policy names token:tv itself"),
        ("client:tv", "tv", "the Client document tv names it"),
        ("group:kids", "tv", "its Client document is in that group"),
        ("spiffe://example.org/*", "spiffe://example.org/a", "it lies below spiffe"),
        ("cidr:192.0.2.0/24", "192.0.2.1", "it lies in cidr:192.0.2.0/24"),
        ("default", "192.0.2.1", "the policy without subjects"),
        ("expired", "spiffe://example.org/a", "its certificate has expired"),
        (None, "192.0.2.1", "refused"),
    ],
)
def test_the_reason_is_a_sentence(subject: str | None, shown: str, sentence: str) -> None:
    assert sentence in why(PolicyMatch(None, subject, None), shown)
