"""Compares the logged outcome of a query with its outcome under a draft."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from keyhole.querylog import LogEntry

Kind = Literal["newly blocked", "newly allowed", "other reason", "would be observed"]

_WITHHELD = frozenset(["blocked", "refused"])
# All results of upstreams and the cache, also failures, are one reason here.
_UPSTREAM = "forwarded"
_OWN_ANSWERS = frozenset(["local_record", "special_use", "minimal_any"])
# These need the answer of an upstream, and evaluation of a draft asks none.
_SEEN_IN_ANSWERS = frozenset(["blocked_target", "private_address"])
_BEFORE_POLICY = frozenset(["receive", "parse", "admit"])
# These depend on the connection, which the log does not record.
_FROM_CONNECTION = frozenset(
    ["no_identity", "unreadable_identity", "unknown_token", "identity_untrusted"]
)


@dataclass(frozen=True)
class PolicyOutcome:
    """The outcome of a query, as far as documents decide it."""

    is_withheld: bool
    reason: str
    is_observed: bool = False


class Reasons:
    """Maps the reasons of the engine to policy outcomes."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        """``rows`` come from the catalogue of the engine."""
        self._stages = {row["word"]: row["stage"] for row in rows}

    def past(self, entry: LogEntry) -> PolicyOutcome | None:
        """The logged outcome; none if documents did not decide it, or the reason is unknown."""
        return self.logged(entry.outcome, entry.reason, is_observed=entry.observed is not None)

    def logged(self, outcome: str, reason: str, *, is_observed: bool) -> PolicyOutcome | None:
        """The same from single fields of the log."""
        stage = self._stages.get(reason)
        if stage is None or stage in _BEFORE_POLICY or reason in _FROM_CONNECTION:
            return None
        return _outcome(outcome, reason, is_observed)

    def future(self, verdict: dict[str, Any]) -> PolicyOutcome:
        """The outcome under the draft."""
        return _outcome(verdict["outcome"], verdict["reason"], verdict["observed"] is not None)


def _outcome(outcome: str, reason: str, is_observed: bool) -> PolicyOutcome:
    if outcome in _WITHHELD:
        return PolicyOutcome(True, reason, is_observed)
    return PolicyOutcome(False, reason if reason in _OWN_ANSWERS else _UPSTREAM, is_observed)


def change(past: PolicyOutcome, future: PolicyOutcome) -> Kind | None:
    """The kind of change; none if there is none, or if it depends on the upstream answer."""
    if past.reason in _SEEN_IN_ANSWERS and not future.is_withheld:
        return "other reason" if future.reason != _UPSTREAM else None
    if past.is_withheld != future.is_withheld:
        return "newly blocked" if future.is_withheld else "newly allowed"
    if past.reason != future.reason:
        return "other reason"
    return "would be observed" if future.is_observed and not past.is_observed else None


def depends_on_answer(past: PolicyOutcome, future: PolicyOutcome) -> bool:
    """Whether the upstream answer decided the query, and would decide it again."""
    return past.reason in _SEEN_IN_ANSWERS and future == PolicyOutcome(
        False, _UPSTREAM, future.is_observed
    )
