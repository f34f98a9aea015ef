"""Schedules in the snapshot: each once, in the form for the engine."""

from pathlib import Path

from keyhole.config import read_text_documents
from keyhole.model.snapshot import Snapshot
from keyhole.policy import compile_documents
from keyhole.policy.compile.zones import steps

from .conftest import UPSTREAM, document


def compiled(*whens: str, year: int = 2026) -> Snapshot:
    rules = "\n".join(f"  - block: [a.example]\n    when: {{{when}}}" for when in whens)
    text = "---\n".join(
        [document("Policy", "base", f"rules:\n{rules}\n  - block: [b.example]"), UPSTREAM]
    )
    documents, problems = read_text_documents(text, "a.yaml", Path("/nowhere"))
    assert problems == []
    return compile_documents(documents, 1, year=year).snapshot


def places(snapshot: Snapshot) -> list[int | None]:
    return [rule.when for rule in snapshot.policies[0].rules]


def test_a_rule_has_its_schedule_and_a_rule_without_one_always_applies() -> None:
    snapshot = compiled("days: [mon, tue], from: 21:00, to: 07:00, timezone: Europe/Berlin")
    assert places(snapshot) == [0, None]
    (schedule,) = snapshot.schedules
    assert (schedule.days, schedule.begins, schedule.ends) == ([0, 1], 1260, 420)
    assert tuple(schedule.offsets) == steps("Europe/Berlin", 2026)
    assert schedule.words == "mon, tue from 21:00 to 07:00 Europe/Berlin"


def test_rules_that_say_the_same_share_a_schedule_however_they_say_it() -> None:
    snapshot = compiled(
        "days: weekend, timezone: UTC",
        "days: [sun, saturday], timezone: UTC",
        "days: weekend, timezone: Asia/Kolkata",
        "days: weekend, from: 00:00, to: 24:00, timezone: UTC",
    )
    assert places(snapshot) == [0, 0, 1, 0, None]
    assert len(snapshot.schedules) == 2


def test_equal_documents_give_equal_schedules_within_one_year() -> None:
    when = "days: [mon], timezone: Europe/Berlin"
    assert compiled(when).to_json() == compiled(when).to_json()
    (now,), (later,) = compiled(when).schedules, compiled(when, year=2027).schedules
    assert now != later
    shared = [step for step in now.offsets if step[0] > later.offsets[0][0]]
    assert shared == later.offsets[1 : len(shared) + 1], (
        "years move on, changes stay where they are"
    )
