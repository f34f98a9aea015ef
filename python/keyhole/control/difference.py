"""What a draft would change about one question, beside what the log says happened to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from keyhole.querylog import LogEntry

Kind = Literal["newly blocked", "newly allowed", "other reason", "would be observed"]

_WITHHELD = frozenset(["blocked", "refused"])
# What an upstream or the cache gave, or did not give, is the same for policy.
_UPSTREAM = "forwarded"
_OWN_ANSWERS = frozenset(["local_record", "special_use", "minimal_any"])
# Only the answer of an upstream shows these, and a judgment asks none.
_SEEN_IN_ANSWERS = frozenset(["blocked_target", "private_address"])
_BEFORE_POLICY = frozenset(["receive", "parse", "admit"])
# What the connection showed, which a log cannot show again.
_FROM_CONNECTION = frozenset(
    ["no_identity", "unreadable_identity", "unknown_token", "identity_untrusted"]
)


@dataclass(frozen=True)
class PolicyOutcome:
    """How a question ended, as far as documents decide it."""

    is_withheld: bool
    reason: str
    is_observed: bool = False


class Reasons:
    """The reasons of the engine, by what a draft can do about them."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        """``rows`` are those of the engine's catalogue."""
        self._stages = {row["word"]: row["stage"] for row in rows}

    def past(self, entry: LogEntry) -> PolicyOutcome | None:
        """What the log says; none where documents had no say, or the reason is not known here."""
        stage = self._stages.get(entry.reason)
        if stage is None or stage in _BEFORE_POLICY or entry.reason in _FROM_CONNECTION:
            return None
        return _outcome(entry.outcome, entry.reason, entry.observed is not None)

    def future(self, verdict: dict[str, Any]) -> PolicyOutcome:
        """What the draft would do."""
        return _outcome(verdict["outcome"], verdict["reason"], verdict["observed"] is not None)


def _outcome(outcome: str, reason: str, is_observed: bool) -> PolicyOutcome:
    if outcome in _WITHHELD:
        return PolicyOutcome(True, reason, is_observed)
    return PolicyOutcome(False, reason if reason in _OWN_ANSWERS else _UPSTREAM, is_observed)


def change(past: PolicyOutcome, future: PolicyOutcome) -> Kind | None:
    """What changes; none where nothing does, or where only an answer could tell."""
    if past.reason in _SEEN_IN_ANSWERS and not future.is_withheld:
        return "other reason" if future.reason != _UPSTREAM else None
    if past.is_withheld != future.is_withheld:
        return "newly blocked" if future.is_withheld else "newly allowed"
    if past.reason != future.reason:
        return "other reason"
    return "would be observed" if future.is_observed and not past.is_observed else None


def depends_on_answer(past: PolicyOutcome, future: PolicyOutcome) -> bool:
    """Whether it was withheld for its answer, and would be judged by its answer again."""
    return past.reason in _SEEN_IN_ANSWERS and future == PolicyOutcome(
        False, _UPSTREAM, future.is_observed
    )
