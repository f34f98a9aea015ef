"""Adds pauses and decisions to a snapshot.

A decision for everyone becomes a rule of every policy; an allow rule only where names are allowed
by default. A decision for one client becomes a rule of a policy for this client alone: a copy of
its policy, with that rule first. The copy keeps the name of the policy. In quarantine, a client has
a copy that allows nothing, and sees no local record: a record answers what is denied by default.
"""

from collections.abc import Iterable, Sequence

from keyhole.model.match import Match
from keyhole.model.overrides import MAX_PAUSE, Decision, Overrides, Pause
from keyhole.model.snapshot import Answer, Snapshot, SnapshotPolicy, SnapshotRule, Span
from keyhole.policy.overrides.tables import Tables


def lay_over(snapshot: Snapshot, overrides: Overrides) -> Snapshot:
    """The snapshot with all overrides; none of them may have ended."""
    if not overrides.pauses and not overrides.decisions:
        return snapshot
    newest_first = sorted(overrides.decisions, key=lambda one: one.number, reverse=True)
    general = [one for one in newest_first if one.client is None]
    named = [one for one in newest_first if one.client is not None]
    record_sets, empty = snapshot.record_sets, None
    if any(one.is_quarantine for one in newest_first):
        record_sets, empty = _with_empty(record_sets)
    paused = [_paused(policy, overrides.pauses) for policy in snapshot.policies]
    policies = [_with_decisions(one, _general(one, general), empty) for one in paused]
    derived = _Derived(paused, general, policies, empty)
    subjects = Tables(snapshot, named).with_decisions(derived.place) if named else snapshot.subjects
    changes = {"policies": policies, "subjects": subjects, "record_sets": record_sets}
    return snapshot.model_copy(update=changes)


def _with_empty(record_sets: list[list[int]]) -> tuple[list[list[int]], int]:
    """The record sets with an empty one among them, and its index."""
    if [] not in record_sets:
        record_sets = [*record_sets, []]
    return record_sets, record_sets.index([])


def acts_on(policy: SnapshotPolicy, decision: Decision) -> bool:
    """Whether a decision for everyone applies to a policy: a policy that denies by default needs an
    allow decision that names the client."""
    return decision.action == "block" or policy.default == "allow"


class _Derived:
    """Policies for single clients, each once."""

    def __init__(
        self,
        plain: Sequence[SnapshotPolicy],
        general: Sequence[Decision],
        policies: list[SnapshotPolicy],
        empty: int | None,
    ) -> None:
        """``empty`` is the index of a record set without records; none without quarantines."""
        self._empty = empty
        self._plain = plain
        self._all = general
        self._policies = policies
        self._places: dict[tuple[int, tuple[int, ...]], int] = {}

    def place(self, policy: int, decisions: Sequence[Decision]) -> int:
        """The index of the copy of a policy with these decisions first."""
        key = (policy, tuple(one.number for one in decisions))
        if key not in self._places:
            plain = self._plain[policy]
            self._places[key] = len(self._policies)
            ours = [*decisions, *_general(plain, self._all)]
            self._policies.append(_with_decisions(plain, ours, self._empty))
        return self._places[key]


def _general(policy: SnapshotPolicy, decisions: Iterable[Decision]) -> list[Decision]:
    return [one for one in decisions if acts_on(policy, one)]


def _with_decisions(
    policy: SnapshotPolicy, decisions: Sequence[Decision], empty: int | None
) -> SnapshotPolicy:
    quarantine = next((one for one in decisions if one.is_quarantine), None)
    if quarantine is not None and empty is not None:
        return _closed(policy, quarantine, empty)
    rules = [_rule(one, policy.list_answer) for one in decisions]
    return policy.model_copy(update={"rules": [*rules, *policy.rules]})


def _closed(policy: SnapshotPolicy, quarantine: Decision, empty: int) -> SnapshotPolicy:
    """A policy that refuses every name, whatever is paused, allowed, recorded or only observed."""
    return policy.model_copy(
        update={
            "mode": "enforce",
            "default": "deny",
            "rules": [],
            "lists": [],
            "paused": None,
            "record_set": empty,
            "rewrite_set": None,
            "origin": quarantine.origin,
        }
    )


def _paused(policy: SnapshotPolicy, pauses: Iterable[Pause]) -> SnapshotPolicy:
    """Overlapping pauses count as one, from the first beginning to the last end."""
    active = [one for one in pauses if one.policy in (None, policy.name)]
    if not active:
        return policy
    until = max(one.until for one in active)
    # The engine refuses a longer pause, and the earlier beginning is past.
    since = max(min(one.since for one in active), until - MAX_PAUSE)
    return policy.model_copy(update={"paused": Span(since=since, until=until)})


def _rule(decision: Decision, answer: Answer) -> SnapshotRule:
    below = [Match(kind="below", text=decision.name)] if decision.below else []
    # The engine ends what it allows by its own clock. What blocks ends when control, which knows
    # whether the clock can be right, removes it: a clock that is ahead must not open anything.
    until = decision.until if decision.action == "allow" else None
    return SnapshotRule(
        action=decision.action,
        matches=[Match(kind="exact", text=decision.name), *below],
        types=[],
        answer=answer,
        mode="enforce",
        when=None,
        during=None if until is None else Span(since=decision.since, until=until),
        important=False,
        decision=True,
        origin=decision.origin,
    )
