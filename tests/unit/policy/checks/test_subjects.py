"""Cross-checks of subjects: each has one policy, and each exists."""

from pathlib import Path

import pytest

from keyhole.config import read_text_documents
from keyhole.errors import Problem
from keyhole.policy import TrustContext, check, cross_check

from ..conftest import POLICY, UPSTREAM, Write, document

TV = document("Client", "tv", "tokens: [tv]\ngroups: [kids]")


def policy(name: str, *subjects: str) -> str:
    return document("Policy", name, f"subjects: [{', '.join(subjects)}]")


def problems_of(
    *texts: str, context: TrustContext | None = None, is_whole: bool = True
) -> list[Problem]:
    documents, problems = read_text_documents(
        "---\n".join([*texts, UPSTREAM]), "a.yaml", Path("/nowhere")
    )
    assert problems == []
    return sorted(set(cross_check(documents, context=context, is_whole=is_whole)))


def errors_of(*texts: str) -> list[str]:
    return [str(one) for one in problems_of(*texts) if not one.is_advice]


def advice_of(*texts: str, context: TrustContext) -> list[str]:
    return [
        f"{one.document} {one.path}: {one.why}"
        for one in problems_of(*texts, context=context)
        if one.is_advice
    ]


def test_several_policies_with_subjects_and_one_without_go_together() -> None:
    assert errors_of(POLICY, policy("a", "client:tv"), policy("b", "group:kids"), TV) == []


def test_a_second_policy_without_subjects_is_refused_with_the_place_of_the_first() -> None:
    (error,) = errors_of(POLICY, POLICY.replace("base", "other"))
    assert error.startswith(
        "a.yaml:10 Policy/other spec.subjects: Policy/base at a.yaml:1 has no subjects already"
    )
    assert "subjects: []" in error


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("client:tv", "client:tv"),
        ("spiffe://example.org/web", "spiffe://example.org/web"),
        ("spiffe://example.org/shop/*", "spiffe://example.org/shop/*"),
        ("token:x", "token:x"),
        ("'cidr:192.0.2.7'", "'cidr:192.0.2.7/32'"),
        ("expired", "expired"),
    ],
)
def test_one_subject_in_two_policies_is_refused_with_both_places(first: str, second: str) -> None:
    (error,) = errors_of(policy("a", first), policy("b", second), TV)
    subject = second.strip("'")
    assert error == (
        f"a.yaml:11 Policy/b spec.subjects[0]: {subject} is a subject of Policy/a at a.yaml:5; "
        "one subject has one policy"
    )


def test_clients_and_groups_that_are_named_have_to_exist() -> None:
    errors = errors_of(policy("a", "client:vt", "group:kinds", "group:zebra"), TV)
    assert [error.partition("spec.")[2] for error in errors] == [
        "subjects[0]: there is no Client vt; did you mean tv?",
        "subjects[1]: no Client is in group kinds; did you mean kids?",
        "subjects[2]: no Client is in group zebra; valid is kids",
    ]


def test_what_a_part_of_a_set_lacks_is_advice() -> None:
    problems = problems_of(policy("a", "client:vt", "group:x"), is_whole=False)
    assert len(problems) == 2
    assert all(one.is_advice for one in problems)


def test_with_an_invalid_client_no_group_is_reported_as_empty(write: Write) -> None:
    broken = document("Client", "tablet", "tokens: [a b]\ngroups: [kids]")
    problems = check([write(POLICY, policy("a", "group:kids", "client:tablet"), broken, UPSTREAM)])
    assert [one.path for one in problems] == ["spec.tokens[0]"]


def test_a_token_that_nobody_made_is_advice_with_the_command_that_makes_it() -> None:
    texts = (POLICY, policy("a", "token:tv", "token:guest"))
    assert advice_of(*texts, context=TrustContext(tokens={"guest": "0" * 64})) == [
        "Policy/a spec.subjects[0]: token:tv is not known; make it with keyhole token create tv"
    ]
    assert advice_of(*texts, context=TrustContext()) == [], "nothing is said where nothing is known"


def test_the_token_of_a_client_that_nobody_made_is_advice_too() -> None:
    advice = advice_of(POLICY, policy("a", "group:kids"), TV, context=TrustContext(tokens={}))
    assert advice == [
        "Client/tv spec.tokens[0]: token:tv is not known; make it with keyhole token create tv"
    ]


def test_networks_are_advised_against_where_every_listener_requires_credentials() -> None:
    texts = (POLICY, policy("a", "cidr:192.0.2.0/24", "client:pc"))
    pc = document("Client", "pc", "addresses: [198.51.100.7]")
    advice = advice_of(*texts, pc, context=TrustContext(admits_networks=False))
    assert [one.partition(":")[0] for one in advice] == [
        "Policy/a spec.subjects[0]",
        "Client/pc spec.addresses[0]",
    ]
    assert all("set authentication to permissive for one" in one for one in advice)
    for context in (TrustContext(), TrustContext(admits_networks=True)):
        assert advice_of(*texts, pc, context=context) == []


def test_an_identity_of_an_unknown_trust_domain_is_advice() -> None:
    web = document("Client", "web", "identities: [spiffe://elsewhere.example/web]")
    texts = (
        POLICY,
        policy("a", "spiffe://keyhole.internal/*", "spiffe://cluster.local/ns/x", "client:web"),
        policy("b", "spiffe://nowhere.example/*"),
        web,
    )
    context = TrustContext(trusted_domains=frozenset(["keyhole.internal", "cluster.local"]))
    advice = advice_of(*texts, context=context)
    assert [one.partition(":")[0] for one in advice] == [
        "Policy/b spec.subjects[0]",
        "Client/web spec.identities[0]",
    ]
    assert "declare a TrustDomain nowhere.example with its bundle" in advice[0]
    assert "known are cluster.local, keyhole.internal" in advice[0]
    assert advice_of(*texts, context=TrustContext()) == []


def test_a_declared_trust_domain_is_known() -> None:
    texts = (POLICY, policy("a", "spiffe://example.org/*"))
    domain = document("TrustDomain", "example.org", "bundle: bundle.pem")
    context = TrustContext(trusted_domains=frozenset(["keyhole.internal"]))
    assert len(advice_of(*texts, context=context)) == 1
    assert advice_of(*texts, domain, context=context) == []
