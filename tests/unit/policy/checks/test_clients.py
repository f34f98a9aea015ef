"""Cross-checks of clients: nobody is two clients, and each has at most one policy."""

from pathlib import Path

import pytest

from keyhole.config import read_text_documents
from keyhole.errors import Problem
from keyhole.policy import cross_check

from ..conftest import POLICY, UPSTREAM, document


def client(name: str, **said: str) -> str:
    lines = [f"{key}: [{values}]" for key, values in said.items()]
    return document("Client", name, "\n".join(lines))


def policy(name: str, *subjects: str) -> str:
    return document("Policy", name, f"subjects: [{', '.join(subjects)}]")


def problems_of(*texts: str) -> list[Problem]:
    documents, problems = read_text_documents(
        "---\n".join([*texts, UPSTREAM]), "a.yaml", Path("/nowhere")
    )
    assert problems == []
    return sorted(set(cross_check(documents)))


def errors_of(*texts: str) -> list[str]:
    return [
        f"{one.document} {one.path}: {one.why}" for one in problems_of(*texts) if not one.is_advice
    ]


def advice_of(*texts: str) -> list[str]:
    assert errors_of(*texts) == []
    return [f"{one.document} {one.path}: {one.why}" for one in problems_of(*texts)]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("identities", "spiffe://example.org/a, spiffe://example.org/b"),
        ("tokens", "a, b"),
        ("addresses", "192.0.2.1, 192.0.2.2/32"),
    ],
)
def test_a_credential_of_two_clients_is_refused_with_the_other_place(key: str, values: str) -> None:
    second = values.split(", ")[1]
    (error,) = errors_of(POLICY, client("one", **{key: values}), client("two", **{key: second}))
    assert error == (
        f"Client/two spec.{key}[0]: {second} is Client/one at a.yaml:7; one of them has it, or "
        "both are one client"
    )


def test_a_client_may_lie_in_the_network_of_another() -> None:
    texts = (client("lan", addresses="192.0.2.0/24"), client("pc", addresses="192.0.2.7"))
    assert errors_of(POLICY, *texts) == []


def test_a_client_in_two_groups_with_two_policies_is_refused_with_both_places() -> None:
    tv = client("tv", tokens="tv", groups="red, kids, guests")
    texts = (POLICY, policy("a", "group:kids"), policy("b", "group:guests"))
    (error,) = errors_of(*texts, tv)
    assert error.startswith(
        "Client/tv spec.groups[2]: group:kids has Policy/a at a.yaml:11 and group:guests has "
        "Policy/b at a.yaml:17, so its policy is ambiguous"
    )
    assert "name client:tv in one policy" in error


def test_a_policy_for_the_client_itself_or_one_for_both_groups_is_unambiguous() -> None:
    tv = client("tv", tokens="tv", groups="kids, guests")
    both = policy("a", "group:kids", "group:guests")
    assert errors_of(POLICY, both, tv) == []
    texts = (policy("a", "group:kids", "client:tv"), policy("b", "group:guests"))
    assert errors_of(POLICY, *texts, tv) == []


def test_a_client_with_the_default_policy_or_none_is_advice() -> None:
    tv = client("tv", tokens="tv")
    (advice,) = advice_of(POLICY, tv)
    assert advice == (
        "Client/tv metadata.name: only the policy without subjects applies to this client; name "
        "client:tv or a group of it"
    )
    (advice,) = advice_of(policy("a", "expired"), tv)
    assert "no policy applies to this client" in advice


@pytest.mark.parametrize(
    "subject",
    [
        "client:tv",
        "token:tv",
        "spiffe://example.org/device/tv",
        "spiffe://example.org/device/*",
        "spiffe://example.org/*",
        "cidr:192.0.2.0/24",
    ],
)
def test_a_client_that_a_subject_matches_is_in_use(subject: str) -> None:
    tv = client(
        "tv", tokens="tv", identities="spiffe://example.org/device/tv", addresses="192.0.2.7"
    )
    assert advice_of(POLICY, policy("a", subject), tv) == []


def test_a_subject_beside_the_path_or_network_of_a_client_does_not_match_it() -> None:
    tv = client("tv", identities="spiffe://example.org/device-2/tv", addresses="192.0.3.7")
    subjects = policy("a", "spiffe://example.org/device/*", "cidr:192.0.2.0/24")
    (advice,) = advice_of(POLICY, subjects, tv)
    assert "applies to this client" in advice


def test_a_group_that_no_policy_names_is_advice_once() -> None:
    texts = (
        policy("a", "client:tv", "client:pc"),
        client("tv", tokens="tv", groups="kids"),
        client("pc", tokens="pc", groups="kids"),
    )
    assert advice_of(POLICY, *texts) == [
        "Client/tv spec.groups[0]: no policy has the subject group:kids; name it, or take the "
        "group out"
    ]
