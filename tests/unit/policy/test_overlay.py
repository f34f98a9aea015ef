"""Pauses and decisions in a snapshot, as the core decides with them."""

from pathlib import Path
from typing import Any

import pytest

from keyhole.config import read_text_documents
from keyhole.engine import judge
from keyhole.model.overrides import Decision, Overrides, Pause
from keyhole.model.snapshot import Snapshot, Span
from keyhole.policy import TrustContext, compile_documents
from keyhole.policy.overrides import lay_over, scope_of, unknown_policy

from .conftest import UPSTREAM, document

WEB, JOB = "spiffe://example.org/ns/shop/sa/web", "spiffe://example.org/ns/shop/sa/job"
NOW = 1_795_644_000
DOCUMENTS = [
    document("Policy", "home", "default: allow\nrules:\n  - block: [bad.example.org]"),
    document(
        "Policy",
        "shop",
        "subjects: ['spiffe://example.org/ns/shop/*', 'client:tv', 'cidr:10.0.0.0/8']\n"
        "default: deny\nrules:\n  - allow: [ok.example.org]\n"
        "  - block: [bad.example.org]\n    important: true",
    ),
    document("Client", "tv", "tokens: [tv]\naddresses: [192.0.2.0/24]"),
    UPSTREAM,
]
KNOWN = TrustContext(tokens={"tv": "01" * 32, "guest": "02" * 32})


@pytest.fixture(scope="module")
def plain() -> Snapshot:
    documents, problems = read_text_documents("---\n".join(DOCUMENTS), "a.yaml", Path("/nowhere"))
    assert problems == []
    return compile_documents(documents, 1, context=KNOWN).snapshot


def decision(
    action: Any, name: str, client: str | None = None, *, number: int = 1, **more: Any
) -> Decision:
    fields = {"below": False, "since": NOW, "until": None, **more}
    return Decision(number=number, action=action, name=name, client=client, **fields)


def said(snapshot: Snapshot, name: str, who: dict[str, str] | None = None, at: int = NOW) -> str:
    """The policy, what it did, and by what."""
    query = {"name": name, "type": "A", "transport": "udp", "as": who, "at": at}
    (told,) = judge(snapshot.to_json(), [query])
    by = (told["cause"] or {}).get("origin") or (told["cause"] or {}).get("cause")
    return f"{told['policy']}: {told['reason']} by {by}"


def laid(plain: Snapshot, *decisions: Decision) -> Snapshot:
    return lay_over(plain, Overrides(decisions=list(decisions)))


def test_no_override_changes_nothing(plain: Snapshot) -> None:
    assert lay_over(plain, Overrides()) is plain


def test_a_pause_is_added_to_its_policies(plain: Snapshot) -> None:
    ours = Pause(policy="home", since=NOW, until=NOW + 60)
    home, shop = lay_over(plain, Overrides(pauses=[ours])).policies
    assert (home.paused, shop.paused) == (Span(since=NOW, until=NOW + 60), None)
    everywhere = lay_over(plain, Overrides(pauses=[ours.model_copy(update={"policy": None})]))
    assert all(one.paused is not None for one in everywhere.policies)


def test_two_pauses_at_once_end_with_the_later_one_and_are_never_too_long(plain: Snapshot) -> None:
    day = 86_400
    pauses = [
        Pause(policy=None, since=NOW - day + 1, until=NOW + 1),
        Pause(policy="home", since=NOW, until=NOW + day),
    ]
    home, shop = lay_over(plain, Overrides(pauses=pauses)).policies
    assert home.paused == Span(since=NOW, until=NOW + day)
    assert shop.paused == Span(since=NOW - day + 1, until=NOW + 1)
    judge(lay_over(plain, Overrides(pauses=pauses)).to_json(), [])


def test_for_everyone_allow_applies_where_allow_is_the_default_and_block_applies_everywhere(
    plain: Snapshot,
) -> None:
    snapshot = laid(
        plain, decision("allow", "bad.example.org"), decision("block", "ok.example.org", number=2)
    )
    assert said(snapshot, "bad.example.org") == "home: forwarded by decision 1"
    assert said(snapshot, "ok.example.org") == "home: blocked_by_rule by decision 2"
    assert (
        said(snapshot, "ok.example.org", {"identity": WEB}) == "shop: blocked_by_rule by decision 2"
    )
    opened = laid(plain, decision("allow", "new.example.org"))
    assert (
        said(opened, "new.example.org", {"identity": WEB}) == "shop: denied_by_default by default"
    )


@pytest.mark.parametrize(
    ("client", "asker"),
    [
        (WEB, {"identity": WEB}),
        ("token:tv", {"token": "tv"}),
        ("client:tv", {"token": "tv"}),
        ("client:tv", {"address": "192.0.2.9"}),
        ("10.1.2.3", {"address": "10.1.2.3"}),
        ("10.1.0.0/16", {"address": "10.1.2.3"}),
        ("192.0.2.9", {"address": "192.0.2.9"}),
    ],
)
def test_an_allow_decision_for_a_client_does_not_apply_to_its_neighbors(
    plain: Snapshot, client: str, asker: dict[str, str]
) -> None:
    snapshot = laid(plain, decision("allow", "new.example.org", client))
    assert said(snapshot, "new.example.org", asker) == "shop: forwarded by decision 1"
    assert said(snapshot, "bad.example.org", asker).startswith("shop: blocked_by_rule by a.yaml")
    for other in ({"identity": JOB}, {"address": "10.2.0.1"}):
        assert said(snapshot, "new.example.org", other) == "shop: denied_by_default by default"
    assert said(snapshot, "new.example.org", {"token": "guest"}) == "home: forwarded by default"


def test_a_client_with_the_default_policy_can_be_named_too(plain: Snapshot) -> None:
    for client, asker in (
        ("198.51.100.7", {"address": "198.51.100.7"}),
        ("token:guest", {"token": "guest"}),
        ("spiffe://example.net/alone", {"identity": "spiffe://example.net/alone"}),
    ):
        snapshot = laid(plain, decision("block", "fine.example.org", client))
        assert said(snapshot, "fine.example.org", asker) == "home: blocked_by_rule by decision 1"
        assert said(snapshot, "fine.example.org") == "home: forwarded by default"


def test_the_client_comes_before_everyone_and_the_later_before_the_earlier(plain: Snapshot) -> None:
    guest = {"token": "guest"}
    allowed = decision("allow", "a.example.org", "token:guest")
    blocked = decision("block", "a.example.org", number=2)
    snapshot = laid(plain, allowed, blocked)
    assert said(snapshot, "a.example.org", guest) == "home: forwarded by decision 1"
    assert said(snapshot, "a.example.org") == "home: blocked_by_rule by decision 2"
    again = decision("block", "example.org", "token:guest", number=3, below=True)
    assert said(laid(plain, allowed, again), "a.example.org", guest).endswith("by decision 3")
    inner, outer = (
        decision("allow", "a.example.org", "10.1.2.3"),
        decision("block", "a.example.org", "10.1.0.0/16", number=2),
    )
    both = laid(plain, inner, outer)
    assert said(both, "a.example.org", {"address": "10.1.2.3"}).endswith("by decision 2")


def test_a_decision_ends_by_itself(plain: Snapshot) -> None:
    snapshot = laid(plain, decision("allow", "bad.example.org", until=NOW + 60))
    assert said(snapshot, "bad.example.org", at=NOW + 59) == "home: forwarded by decision 1"
    assert said(snapshot, "bad.example.org", at=NOW + 60).startswith(
        "home: blocked_by_rule by a.yaml"
    )


def test_clients_that_share_a_policy_and_decisions_share_the_policy_made_for_them(
    plain: Snapshot,
) -> None:
    snapshot = laid(plain, decision("allow", "new.example.org", "client:tv"))
    assert [one.name for one in snapshot.policies] == ["home", "shop", "shop"]


def test_a_paused_policy_stays_paused_for_a_client_with_a_decision(plain: Snapshot) -> None:
    overrides = Overrides(
        pauses=[Pause(policy=None, since=NOW, until=NOW + 60)],
        decisions=[decision("block", "a.example.org", "token:guest")],
    )
    snapshot = lay_over(plain, overrides)
    guest = {"token": "guest"}
    assert said(snapshot, "bad.example.org", guest) == "home: forwarded by pause"
    assert said(snapshot, "a.example.org", guest) == "home: blocked_by_rule by decision 1"


def test_the_scope_of_a_decision_names_its_policies(plain: Snapshot) -> None:
    assert scope_of(plain, decision("allow", "a.example.org")).left_out == ("shop",)
    assert scope_of(plain, decision("block", "a.example.org")).policies == ("home", "shop")
    assert scope_of(plain, decision("allow", "a.example.org", "client:tv")).policies == ("shop",)
    assert scope_of(plain, decision("allow", "a.example.org", "token:nobody")).policies == ()


def test_an_unknown_policy_is_reported_with_the_nearest(plain: Snapshot) -> None:
    assert unknown_policy(plain, "shop") is None
    assert unknown_policy(plain, "shpo") == "no policy shpo applies to anybody; did you mean shop?"


def test_a_client_in_quarantine_is_refused_everything_whatever_else_says_of_it(
    plain: Snapshot,
) -> None:
    shut = decision("block", ".", WEB, number=7, below=True, until=NOW + 60)
    open_again = decision("allow", "ok.example.org", WEB, number=8)
    pause = Pause(policy=None, since=NOW - 10, until=NOW + 10)
    laid_over = lay_over(plain, Overrides(pauses=[pause], decisions=[shut, open_again]))
    for name in ("ok.example.org", "www.example.net", "localhost", "example"):
        assert said(laid_over, name, {"identity": WEB}).startswith("shop: denied_by_default"), name
    assert said(laid_over, "ok.example.org", {"identity": JOB}).startswith("shop: forwarded")
    assert scope_of(plain, shut).policies == ("shop",)
    watched = plain.model_copy(
        update={"policies": [one.model_copy(update={"mode": "observe"}) for one in plain.policies]}
    )
    shut_all = lay_over(watched, Overrides(decisions=[shut]))
    assert said(shut_all, "ok.example.org", {"identity": WEB}).startswith("shop: denied_by_default")


def test_a_client_in_quarantine_sees_no_local_record_and_no_restricted_search() -> None:
    spec = "default: allow\nsafeSearch: [bing]"
    texts = [
        UPSTREAM,
        document("Policy", "home", spec),
        document("Record", "nas", "name: nas.example.org\na: 192.0.2.1"),
        document("Record", "alias", "name: alias.example.org\ncname: www.example.net"),
        document("Record", "wild", "name: '*.apps.example.org'\na: 192.0.2.2"),
    ]
    documents, problems = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    assert problems == []
    plain = compile_documents(documents, 1, context=KNOWN).snapshot
    shut = lay_over(
        plain, Overrides(decisions=[decision("block", ".", "token:guest", number=7, below=True)])
    )
    names = ("nas.example.org", "alias.example.org", "x.apps.example.org", "www.bing.com")
    for name in (*names, "1.2.0.192.in-addr.arpa"):
        assert said(shut, name, {"token": "guest"}).startswith("home: denied_by_default"), name
        assert said(shut, name, {"token": "tv"}) == said(plain, name, {"token": "tv"}), name
