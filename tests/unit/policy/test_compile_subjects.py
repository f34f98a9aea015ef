"""The most specific subject decides: whatever the documents are, looking up the compiled tables as
the engine does gives what the rule says."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keyhole.config import read_text_documents
from keyhole.errors import has_errors
from keyhole.model.snapshot import Snapshot
from keyhole.policy import TrustContext, compile_documents, cross_check

from .conftest import UPSTREAM, document

DOMAIN = "spiffe://example.org"
IDENTITIES = [f"{DOMAIN}/{path}" for path in ("a", "a/b", "a/b/c", "a/bc", "a/b/d", "e")]
PATHS = [DOMAIN, f"{DOMAIN}/a", f"{DOMAIN}/a/b", f"{DOMAIN}/e"]
NETWORKS = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.1.0/24",
    "10.1.1.1/32",
    "2001:db8::/32",
    "2001:db8:1::/48",
]
ADDRESSES = ["10.1.1.1", "10.1.1.2", "10.1.2.1", "10.2.0.1", "11.0.0.1"]
ADDRESSES += ["2001:db8:1::1", "2001:db8:2::1", "2001:db9::1"]
TOKENS = ["t0", "t1", "t2", "t3"]
DIGESTS = {name: f"{number:064x}" for number, name in enumerate(TOKENS)}
CLIENTS, GROUPS, POLICIES = ["c0", "c1", "c2"], ["g0", "g1"], ["p0", "p1", "p2", "p3"]


@dataclass
class World:
    """Who is there, and which policy has which subject; policy ``default`` has none."""

    clients: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    policy_of: dict[str, str] = field(default_factory=dict)
    has_default: bool = True

    def snapshot(self) -> Snapshot:
        """The documents of this world, compiled."""
        specs: dict[str, dict[str, Any]] = {"default": {}} if self.has_default else {}
        for subject, policy in self.policy_of.items():
            specs.setdefault(policy, {"subjects": []})["subjects"].append(subject)
        assume(specs)
        texts = [_json("Policy", name, spec) for name, spec in specs.items()]
        texts += [_json("Client", name, spec) for name, spec in self.clients.items()]
        documents, problems = read_text_documents(
            "\n---\n".join([*texts, UPSTREAM]), "a.yaml", Path("/nowhere")
        )
        assert problems == []
        context = TrustContext(tokens=DIGESTS)
        assume(not has_errors(cross_check(documents, context=context)))
        return compile_documents(documents, 1, context=context).snapshot


def _json(kind: str, name: str, spec: Mapping[str, Any]) -> str:
    head = {"apiVersion": "keyhole.dev/v1", "kind": kind, "metadata": {"name": name}}
    return json.dumps({**head, "spec": spec})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World(has_default=draw(st.booleans()))
    for key, values in (("identities", IDENTITIES), ("tokens", TOKENS), ("addresses", NETWORKS)):
        for value in values:
            owner = draw(st.sampled_from([None, *CLIENTS]))
            if owner is not None:
                world.clients.setdefault(owner, {}).setdefault(key, []).append(value)
    for client in world.clients.values():
        client["groups"] = draw(st.lists(st.sampled_from(GROUPS), unique=True))
    groups = {group for client in world.clients.values() for group in client["groups"]}
    subjects = [f"client:{name}" for name in world.clients]
    subjects += [f"group:{name}" for name in sorted(groups)]
    subjects += [f"token:{name}" for name in TOKENS]
    subjects += [*IDENTITIES, *(f"{path}/*" for path in PATHS)]
    subjects += [f"cidr:{network}" for network in NETWORKS]
    for subject in subjects:
        policy = draw(st.sampled_from([None, None, *POLICIES]))
        if policy is not None:
            world.policy_of[subject] = policy
    return world


def expected(world: World, exact: Iterable[str], owners: Iterable[str], wide: Iterable[str]) -> str:
    """The rule: identity or token, client, group, then ``wide`` with the most specific first."""
    for subject in exact:
        if subject in world.policy_of:
            return world.policy_of[subject]
    for owner in owners:
        for subject in (f"client:{owner}", *(f"group:{g}" for g in world.clients[owner]["groups"])):
            if subject in world.policy_of:
                return world.policy_of[subject]
    for subject in wide:
        if subject in world.policy_of:
            return world.policy_of[subject]
    return "default" if world.has_default else "nobody"


def owners_of(world: World, key: str, value: str) -> list[str]:
    return [name for name, spec in world.clients.items() if value in spec.get(key, [])]


def named(snapshot: Snapshot, policy: int | None) -> str:
    index = snapshot.default_policy if policy is None else policy
    return "nobody" if index is None else snapshot.policies[index].name


@settings(deadline=None)
@given(worlds())
def test_an_identity_has_its_own_policy_or_its_clients_or_that_of_the_longest_path(
    world: World,
) -> None:
    snapshot = world.snapshot()
    exact = {one.id: one for one in snapshot.subjects.identities}
    below = {one.prefix: one for one in snapshot.subjects.below}
    for identity in [*IDENTITIES, f"{DOMAIN}/a/b/c/d", f"{DOMAIN}/z", f"{DOMAIN}.net/a"]:
        found = exact.get(identity)
        longest = next((below[path] for path in _above(identity) if path in below), None)
        policy = found.policy if found is not None and found.policy is not None else None
        if policy is None and longest is not None:
            policy = longest.policy
        owners = owners_of(world, "identities", identity)
        wide = [f"{path}/*" for path in _above(identity)]
        assert named(snapshot, policy) == expected(world, [identity], owners, wide)
        assert (found.client if found else None) == next(iter(owners), None)


@settings(deadline=None, max_examples=40)
@given(worlds())
def test_a_token_has_its_own_policy_or_its_clients_or_the_default(world: World) -> None:
    snapshot = world.snapshot()
    assert [one.name for one in snapshot.subjects.tokens] == TOKENS, "every token is known"
    for one in snapshot.subjects.tokens:
        owners = owners_of(world, "tokens", one.name)
        assert one.sha256 == DIGESTS[one.name]
        assert one.client == next(iter(owners), None)
        assert named(snapshot, one.policy) == expected(world, [f"token:{one.name}"], owners, [])


@settings(deadline=None)
@given(worlds())
def test_an_address_has_the_policy_of_its_client_or_of_the_smallest_network(world: World) -> None:
    snapshot = world.snapshot()
    for address in ADDRESSES:
        entries = [
            one
            for _, one in sorted(
                (-ip_network(one.network).prefixlen, one)
                for one in snapshot.subjects.networks
                if ip_address(address) in ip_network(one.network)
            )
        ]
        around = [one for one in reversed(NETWORKS) if ip_address(address) in ip_network(one)]
        owners = [owner for one in around for owner in owners_of(world, "addresses", one)]
        policy = next((one.policy for one in entries if one.policy is not None), None)
        wide = [f"cidr:{one}" for one in around]
        assert named(snapshot, policy) == expected(world, [], owners, wide)
        client = next((one.client for one in entries if one.client is not None), None)
        assert client == next(iter(owners), None)


@settings(deadline=None, max_examples=40)
@given(worlds())
def test_every_entry_says_which_subject_chose_its_policy(world: World) -> None:
    snapshot = world.snapshot()
    tables = snapshot.subjects
    entries = [(one.subject, one.policy) for one in tables.identities]
    entries += [(one.subject, one.policy) for one in tables.below]
    entries += [(one.subject, one.policy) for one in tables.tokens]
    entries += [(one.subject, one.policy) for one in tables.networks]
    for subject, policy in entries:
        if policy is not None:
            assert world.policy_of[subject] == snapshot.policies[policy].name


def _above(identity: str) -> Iterator[str]:
    parts = identity.split("/")
    for length in range(len(parts) - 1, 2, -1):
        yield "/".join(parts[:length])


def compiled(*texts: str, context: TrustContext | None = None) -> Snapshot:
    documents, problems = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    assert problems == []
    return compile_documents(documents, 1, context=context).snapshot


def test_the_order_of_documents_changes_no_table() -> None:
    texts = [
        document("Policy", "a", "subjects: [client:tv, 'spiffe://example.org/*']"),
        document("Client", "tv", "tokens: [t1, t0]\naddresses: [192.0.2.2, 192.0.2.1]"),
        document("Client", "pc", "identities: [spiffe://example.org/pc]"),
    ]
    context = TrustContext(tokens=DIGESTS)
    forth = compiled(*texts, UPSTREAM, context=context)
    back = compiled(UPSTREAM, *reversed(texts), context=context)
    assert forth.subjects == back.subjects


def test_without_a_policy_without_subjects_there_is_no_default() -> None:
    snapshot = compiled(document("Policy", "a", "subjects: [expired]"), UPSTREAM)
    assert snapshot.default_policy is None
    assert snapshot.subjects.expired == 0


def test_the_default_policy_may_stand_anywhere() -> None:
    first = document("Policy", "a", "subjects: [expired]")
    base = document("Policy", "base", "subjects: []")
    snapshot = compiled(base, first, document("Policy", "b", "include: [base]"), UPSTREAM)
    assert [one.name for one in snapshot.policies] == ["a", "b"]
    assert snapshot.default_policy == 1
    assert snapshot.subjects.expired == 0


def test_the_snapshot_holds_no_secret_and_no_token_that_does_not_exist() -> None:
    texts = document("Policy", "a", "subjects: [token:t0, token:later]"), UPSTREAM
    (token,) = compiled(*texts, context=TrustContext(tokens={"t0": DIGESTS["t0"]})).subjects.tokens
    assert (token.name, token.policy, token.subject) == ("t0", 0, "token:t0")
