"""Which differences between a logged outcome and that of a draft are changes."""

from datetime import datetime
from typing import Any

import pytest

from keyhole.control.difference import Kind, Reasons, change, depends_on_answer
from keyhole.control.schedule_state import schedule_state
from keyhole.engine import catalogue
from keyhole.model.snapshot_identity import Schedule
from keyhole.querylog import ClientRef, LogEntry
from tests.unit.querylog.test_read import EVENT

REASONS = Reasons(catalogue()["reasons"])
OUTCOMES = {row["word"]: row["outcome"] for row in catalogue()["reasons"]}


def entry(reason: str, observed: str | None = None) -> LogEntry:
    return LogEntry(
        time=datetime.fromisoformat(EVENT["time"]),
        transport="udp",
        client_ref=ClientRef("address", "192.0.2.1"),
        client="192.0.2.1",
        policy="home",
        name="www.example.org",
        kind="A",
        outcome=OUTCOMES[reason],
        reason=reason,
        rule=None,
        list_name=None,
        observed=observed,
        upstream=None,
        duration_us=0,
        snapshot=1,
    )


def verdict(reason: str, observed: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"outcome": OUTCOMES[reason], "reason": reason, "observed": observed}


@pytest.mark.parametrize(
    ("past", "future", "expected"),
    [
        ("forwarded", "forwarded", None),
        ("cached", "forwarded", None),
        ("stale", "forwarded", None),
        ("upstream_timeout", "forwarded", None),
        ("cached_failure", "forwarded", None),
        ("cached", "blocked_by_rule", "newly blocked"),
        ("upstream_untrusted", "denied_by_default", "newly blocked"),
        ("local_record", "no_policy", "newly blocked"),
        ("blocked_by_list", "forwarded", "newly allowed"),
        ("denied_by_default", "local_record", "newly allowed"),
        ("no_policy", "forwarded", "newly allowed"),
        ("blocked_by_list", "blocked_by_list", None),
        ("blocked_by_list", "blocked_by_rule", "other reason"),
        ("denied_by_default", "blocked_by_rule", "other reason"),
        ("cached", "local_record", "other reason"),
        ("local_record", "forwarded", "other reason"),
        ("special_use", "special_use", None),
        # Only the answer of an upstream shows whether these would happen again.
        ("blocked_target", "forwarded", None),
        ("private_address", "forwarded", None),
        ("blocked_target", "blocked_by_rule", "other reason"),
        ("private_address", "local_record", "other reason"),
    ],
)
def test_a_change_is_a_difference_for_the_client(
    past: str, future: str, expected: Kind | None
) -> None:
    before = REASONS.past(entry(past))
    assert before is not None
    assert change(before, REASONS.future(verdict(future))) == expected


def test_a_new_observation_is_a_change_unless_a_rule_acts() -> None:
    seen = {"cause": "rule"}
    before, before_seen = REASONS.past(entry("cached")), REASONS.past(entry("cached", "rule"))
    assert before is not None
    assert before_seen is not None
    observed = REASONS.future(verdict("forwarded", seen))
    assert change(before, observed) == "would be observed"
    assert change(before_seen, observed) is None
    assert change(before, REASONS.future(verdict("blocked_by_rule", seen))) == "newly blocked"


def test_a_query_blocked_for_its_answer_depends_on_the_answer_again() -> None:
    target = REASONS.past(entry("blocked_target"))
    assert target is not None
    assert depends_on_answer(target, REASONS.future(verdict("forwarded")))
    assert depends_on_answer(target, REASONS.future(verdict("forwarded", {"cause": "rule"})))
    assert not depends_on_answer(target, REASONS.future(verdict("blocked_by_rule")))
    rule = REASONS.past(entry("blocked_by_rule"))
    assert rule is not None
    assert not depends_on_answer(rule, REASONS.future(verdict("forwarded")))


@pytest.mark.parametrize("reason", ["malformed", "unparseable", "not_ready", "network_not_served"])
def test_a_query_that_ends_before_policy_has_no_policy_outcome(reason: str) -> None:
    assert REASONS.past(entry(reason)) is None


def test_times_differ_only_by_the_state_of_schedules() -> None:
    # Berlin: an hour east of UTC, two from 2026-03-29 01:00 UTC on.
    summer = 1_774_746_000
    night = Schedule(
        days=[5, 6], begins=21 * 60, ends=7 * 60, offsets=[(0, 3_600), (summer, 7_200)], words=""
    )
    saturday_evening = summer - 5 * 3_600  # 2026-03-28 20:00 UTC, 21:00 in Berlin
    before, begun = (
        schedule_state([night], saturday_evening - 1),
        schedule_state([night], saturday_evening),
    )
    assert before == ((5, False, True),)
    assert begun == ((5, True, True),)
    assert schedule_state([night], saturday_evening + 3_600) == begun
    sunday = schedule_state([night], summer - 1)  # 01:59 in Berlin, and an hour later it is 03:59
    assert sunday == schedule_state([night], summer + 3_540) == ((6, False, False),)
    assert schedule_state([night], summer + 4 * 3_600) == ((6, False, True),)
    assert schedule_state([], 7) == schedule_state([], 8) == ()
