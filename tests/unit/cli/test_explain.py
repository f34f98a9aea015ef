"""What explain shows: the thing that decides, with its document and line."""

import io
from typing import Any

import pytest
from rich.console import Console

from keyhole.cli.explain import describe, details, show

RULE: dict[str, Any] = {
    "cause": "rule",
    "rule": 2,
    "matched": ["*.ads.example.org"],
    "origin": "policy.yaml:12 Policy/home spec.rules[2]",
    "mode": "enforce",
    "important": True,
    "policy": "home",
}
ENTRY: dict[str, Any] = {
    "list": "ads",
    "entry": "||tracker.example.net^",
    "file": "ads.txt",
    "line": 3,
    "important": False,
}


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (RULE, ["*.ads.example.org", "policy.yaml:12", "important"]),
        ({"cause": "list", **ENTRY}, ["ads", "||tracker.example.net^", "ads.txt:3"]),
        (
            {"cause": "default", "policy": "home", "policy_origin": "policy.yaml:1 Policy/home"},
            ["default", "policy.yaml:1"],
        ),
    ],
)
def test_a_cause_is_followed_back_to_its_line(cause: dict[str, Any], words: list[str]) -> None:
    assert all(word in describe(cause) for word in words)


def test_a_step_shows_what_matched_and_not_what_every_step_knows() -> None:
    detail = {"name": "x", "type": "A", "policy": "home", "rules": 7, "matching": [RULE]}
    assert details(detail) == [
        "*.ads.example.org in policy.yaml:12 Policy/home spec.rules[2] (important)"
    ]


def test_a_rule_that_only_observes_says_so() -> None:
    (line,) = details({"matching": [{**RULE, "mode": "observe", "important": False}]})
    assert line.endswith("(observe only)")


def test_the_verdict_comes_last_with_its_reason() -> None:
    told = {
        "name": "x.ads.example.org",
        "type": "A",
        "outcome": "blocked",
        "reason": "blocked_by_rule",
        "meaning": "A rule of the policy blocks the name.",
        "cause": RULE,
        "observed": None,
        "steps": [
            {
                "stage": "authorize",
                "what": "block rules",
                "result": "blocks",
                "decides": True,
                "detail": {"matching": [RULE]},
            }
        ],
    }
    screen = Console(file=io.StringIO(), width=200, record=True, soft_wrap=True)
    show(screen, told)
    lines = screen.export_text().strip().splitlines()
    assert lines[0].startswith("> authorize block rules: blocks")
    assert "is blocked (blocked_by_rule)" in lines[-2]
    assert lines[-1].startswith("decided by the rule *.ads.example.org")
