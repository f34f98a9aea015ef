import pytest

from keyhole.policy import check

from .conftest import UPSTREAM, Write, document


def problems_of(write: Write, rules: str) -> list[str]:
    policy = document("Policy", "base", "default: allow\nrules:\n" + rules)
    return [f"{one.path}: {one.why}" for one in check([write(policy, UPSTREAM)])]


@pytest.mark.parametrize(
    "rules",
    [
        "- block: [a.example, dns.example.org]",
        "- block: [a.example, '*.example.org']",
        "- block: [a.example, '/^dns[.]/']",
        "- block: [a.example, dns.example.org]\n- allow: ['*.example.org']\n  types: [A]",
        "- block: [a.example, dns.example.org]\n- {allow: [dns.example.org], mode: observe}",
        "- {block: [a.example, dns.example.org], important: true}\n- allow: [dns.example.org]",
    ],
)
def test_a_rule_that_blocks_an_upstreams_name_is_refused(write: Write, rules: str) -> None:
    (problem,) = problems_of(write, rules)
    assert problem.startswith("spec.rules[0].block[1]: ")
    assert "dns.example.org, the name of Upstream/one, and Keyhole would cut itself" in problem


@pytest.mark.parametrize(
    "rules",
    [
        "- block: ['*.dns.example.org', example.org]",
        "- {block: [dns.example.org], mode: observe}",
        "- block: ['*.example.org']\n- allow: [dns.example.org]",
    ],
)
def test_a_rule_that_does_not_block_the_upstreams_name_is_accepted(
    write: Write, rules: str
) -> None:
    assert problems_of(write, rules) == []
