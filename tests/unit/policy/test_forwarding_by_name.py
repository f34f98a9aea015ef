"""Upstreams with domains: who is asked for what."""

from pathlib import Path

import pytest

from keyhole.config import read_text_documents
from keyhole.model.snapshot import Snapshot
from keyhole.policy import compile_documents, cross_check
from keyhole.policy.trust_context import TrustContext

from .conftest import POLICY, UPSTREAM, document


def upstream(name: str, domains: str = "", address: str = "10.0.0.1") -> str:
    """An upstream over DoT, for domains alone if some are given."""
    spec = f"protocol: dot\naddresses: [{address}]\nserverName: dns.example.org"
    return document("Upstream", name, spec + (f"\ndomains: {domains}" if domains else ""))


def router(domains: str, insecure: str = "local-network", address: str = "192.168.1.1") -> str:
    """An upstream over TCP in the clear."""
    spec = f"protocol: tcp\naddresses: [{address}]\ninsecure: {insecure}"
    return document("Upstream", "router", spec + (f"\ndomains: {domains}" if domains else ""))


def asked(*texts: str, policy: int = 0) -> dict[str, list[str]]:
    """The names of the upstreams for each domain of a policy; under "" those for other names."""
    documents, problems = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    assert problems == []
    assert cross_check(documents, context=TrustContext(mesh_networks=())) == []
    snapshot = compile_documents(documents, 1).snapshot
    assert Snapshot.model_validate_json(snapshot.to_json()) == snapshot
    names = [one.name for one in snapshot.upstreams]

    def members(index: int) -> list[str]:
        return [names[place] for place in snapshot.upstream_sets[index].upstreams]

    one = snapshot.policies[policy]
    domains = {domain.name: members(domain.upstream_set) for domain in one.domains}
    return {"": members(one.upstream_set), **domains}


def problems(*texts: str) -> list[str]:
    """What is wrong with these documents, each as place and reason."""
    documents, found = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    found += cross_check(documents, context=TrustContext(mesh_networks=()))
    return [f"{one.document} {one.path}: {one.why}" for one in found if not one.is_advice]


def test_upstreams_with_a_domain_are_asked_for_it_and_the_others_for_everything_else() -> None:
    dc2 = upstream("dc2", "[corp.example, 10.0.0.0/8]")
    dc1 = upstream("dc1", "corp.example")
    assert asked(POLICY, dc2, UPSTREAM, dc1) == {
        "": ["one"],
        "corp.example": ["dc2", "dc1"],
        "10.in-addr.arpa": ["dc2"],
    }


def test_a_policy_that_names_upstreams_asks_those_alone_in_its_order() -> None:
    named = document("Policy", "base", "upstreams: {names: [dc1, one, dc2]}")
    dc2, dc1 = upstream("dc2", "corp.example"), upstream("dc1", "corp.example")
    assert asked(named, dc2, UPSTREAM, dc1) == {"": ["one"], "corp.example": ["dc1", "dc2"]}
    guests = document("Policy", "guests", "upstreams: {names: [one]}\nsubjects: [token:tv]")
    documents, _ = read_text_documents(
        "---\n".join([named, guests, dc2, UPSTREAM, dc1]), "a.yaml", Path("/nowhere")
    )
    of_guests = compile_documents(documents, 1, context=TrustContext(tokens={"tv": "0" * 64}))
    assert [one.domains == [] for one in of_guests.snapshot.policies] == [False, True]


def test_a_set_that_two_domains_share_is_one() -> None:
    texts = [POLICY, UPSTREAM, upstream("dc", "[corp.example, corp.test, 10.0.0.0/8]")]
    documents, _ = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    snapshot = compile_documents(documents, 1).snapshot
    assert len(snapshot.upstream_sets) == 2
    assert [one.upstream_set for one in snapshot.policies[0].domains] == [1, 1, 1]


def test_a_changed_domain_is_compiled_although_all_names_of_documents_stay() -> None:
    before = asked(POLICY, UPSTREAM, upstream("dc", "corp.example"))
    after = asked(POLICY, UPSTREAM, upstream("dc", "corp.test"))
    assert (list(before), list(after)) == (["", "corp.example"], ["", "corp.test"])


def test_a_router_in_the_clear_is_asked_for_its_domains_if_the_document_says_so() -> None:
    assert asked(POLICY, UPSTREAM, router("[lan, 192.168.1.0/24]")) == {
        "": ["one"],
        "lan": ["router"],
        "1.168.192.in-addr.arpa": ["router"],
    }


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        (
            [POLICY, upstream("dc", "[corp.example, corp.test]")],
            "Policy/base spec: all upstreams are for their domains alone (corp.example, "
            "corp.test), so no other name would be answered; declare an Upstream without domains, "
            "too",
        ),
        (
            [
                document("Policy", "base", "upstreams: {names: [dc]}"),
                UPSTREAM,
                upstream("dc", "corp.example"),
            ],
            "Policy/base spec.upstreams.names: the upstreams of this policy are for their domains "
            "alone (corp.example), so no other name would be answered; name an Upstream without "
            "domains, too",
        ),
        (
            [POLICY, UPSTREAM, router("")],
            "Upstream/router spec.insecure: in the clear a device of the local network is asked "
            "for its own names alone; give domains, such as [lan, 192.168.0.0/16]",
        ),
        (
            [POLICY, UPSTREAM, router("lan", address="192.0.2.1")],
            "Upstream/router spec.addresses[0]: 192.0.2.1 is no address of a local network, and "
            "queries would go there unencrypted; use dot or doh",
        ),
        (
            [POLICY, UPSTREAM, upstream("dc", "[lan, corp.example]"), router("lan")],
            "Upstream/router spec.domains: policy base would also ask dc for lan, which is not in "
            "the clear; where it does not answer, its queries would go out unencrypted; give them "
            "different domains, or have the policy name one of them in upstreams",
        ),
        (
            [POLICY, UPSTREAM, upstream("dc", "[corp.example, localhost]")],
            "Upstream/dc spec.domains[1]: localhost never leaves this machine (RFC 6761, RFC 7686)",
        ),
    ],
)
def test_what_could_not_be_answered_or_would_go_out_in_the_clear_is_an_error(
    texts: list[str], wrong: str
) -> None:
    assert wrong in problems(*texts)
