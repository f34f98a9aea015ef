"""Output of ``keyhole explain``: the cause of a verdict, with its document and line."""

import io
from typing import Any

import pytest
from rich.console import Console

from keyhole.cli.explain import client, describe, details, show

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
        (
            {"cause": "mode", "policy": "home", "policy_origin": "policy.yaml:1 Policy/home"},
            ["home", "only observes", "policy.yaml:1"],
        ),
        (
            {"cause": "private_addresses", "policy": "home", "policy_origin": "policy.yaml:1"},
            ["privateAddresses", "home", "policy.yaml:1"],
        ),
    ],
)
def test_a_cause_is_shown_with_its_line(cause: dict[str, Any], words: list[str]) -> None:
    assert all(word in describe(cause) for word in words)


def test_a_step_shows_matches_without_the_details_of_every_step() -> None:
    detail = {"name": "x", "type": "A", "policy": "home", "rules": 7, "matching": [RULE]}
    assert details(detail) == [
        "*.ads.example.org in policy.yaml:12 Policy/home spec.rules[2] (important)"
    ]


def test_a_rule_in_observe_mode_is_marked() -> None:
    (line,) = details({"matching": [{**RULE, "mode": "observe", "important": False}]})
    assert line.endswith("(observe only)")


def test_a_rule_with_a_schedule_shows_its_times_and_whether_it_is_active() -> None:
    scheduled = {**RULE, "important": False, "when": "mon 21:00 to 07:00 Europe/Berlin"}
    (line,) = details({"matching": [{**scheduled, "active": False}]})
    assert line.endswith("(acts mon 21:00 to 07:00 Europe/Berlin, so not then)")
    assert describe(scheduled).endswith("(acts mon 21:00 to 07:00 Europe/Berlin)")


KNOWN: dict[str, Any] = {
    "subject": "spiffe://example.org/ns/shop/*",
    "client": None,
    "policy": "shop",
    "policy_origin": "policy.yaml:1 Policy/shop",
    "mode": "enforce",
    "log": "anonymous",
}


@pytest.mark.parametrize(
    ("known", "lines"),
    [
        (
            KNOWN,
            [
                "client spiffe://example.org/ns/shop/*",
                "policy shop (policy.yaml:1 Policy/shop), log: anonymous",
            ],
        ),
        (
            {**KNOWN, "client": "web shop", "subject": "default", "mode": "observe"},
            [
                "client web shop, by the policy without subjects",
                "policy shop (policy.yaml:1 Policy/shop), log: anonymous, observe only",
            ],
        ),
        ({**KNOWN, "policy": None, "subject": None}, []),
    ],
)
def test_the_client_is_shown_with_its_policy(known: dict[str, Any], lines: list[str]) -> None:
    terminal = Console(file=io.StringIO(), width=200, record=True, soft_wrap=True)
    for line in client(known):
        terminal.print(line)
    assert terminal.export_text().splitlines() == lines


def test_the_verdict_comes_last_with_its_reason() -> None:
    explanation = {
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
    terminal = Console(file=io.StringIO(), width=200, record=True, soft_wrap=True)
    show(terminal, explanation)
    lines = terminal.export_text().strip().splitlines()
    assert lines[0].startswith("> authorize block rules: blocks")
    assert "is blocked (blocked_by_rule)" in lines[-2]
    assert lines[-1].startswith("decided by the rule *.ads.example.org")
