"""What needs attention now, and what has changed since the last look."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyhole.control.list_refresh.report import statuses
from keyhole.control.list_refresh.status import wrong_with_list
from keyhole.control.parts import Health
from keyhole.events import Event, Severity

if TYPE_CHECKING:
    from keyhole.control.control_plane import ControlPlane
    from keyhole.control.list_refresh import ListRefresher

_MAX_ENGINE = 512


@dataclass(frozen=True)
class Wrong:
    """Something that does not work: what it is, in a few words, and why."""

    subject: str
    text: str
    why: str
    since: float | None = None
    """In seconds of Unix time; none where only the look tells."""


def wrong_now(control_plane: "ControlPlane", lists: "ListRefresher") -> Iterator[Wrong]:
    """All that does not work. The words are those of `keyhole status`."""
    for part in control_plane.attention():
        if part.state is not Health.MENDED:
            yield Wrong(part.name, f"{part.name}: {part.state}", part.why, part.since)
    in_force = control_plane.reconciler.in_force
    if in_force is None:
        yield Wrong("documents in force", "no documents are in force", "every query is refused")
    for name, known in control_plane.upstream_times.known.items():
        if known.condition == "fails":
            text = f"upstream {name} does not work"
            yield Wrong(f"upstream {name}", text, "it is asked after the others", known.since)
    for one in statuses(lists, in_force):
        failing = one.failing_since
        why = wrong_with_list(one.name, one.state, one.taken, is_failing=failing is not None)
        if one.policies and why is not None:
            yield Wrong(f"list {one.name}", why, one.problem, failing)
    for delivery in control_plane.withdrawals.deliveries():
        if not delivery.has_it:
            engine = delivery.engine[:_MAX_ENGINE]
            text = f"revocations are not yet at {engine}"
            yield Wrong(f"revocations at {engine}", text, delivery.why)


class AttentionWatch:
    """Makes events of what begins and ends. What is there in one look alone is not told."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._told: dict[str, tuple[Wrong, float]] = {}

    def look(self, found: Iterable[Wrong]) -> list[Event]:
        """The events since the last look."""
        now = time.time()
        by_subject: Mapping[str, Wrong] = {one.subject: one for one in found}
        events = []
        for subject, one in by_subject.items():
            if subject in self._seen and subject not in self._told:
                since = one.since or now
                self._told[subject] = (one, since)
                events.append(_event(one, since, Severity.ERROR, one.text, "began"))
        for subject in self._told.keys() - by_subject.keys():
            one, since = self._told.pop(subject)
            text = f"works again: {one.text}"
            events.append(_event(one, since, Severity.NOTICE, text, "ended"))
        self._seen = set(by_subject)
        return events


def _event(one: Wrong, since: float, severity: Severity, text: str, state: str) -> Event:
    fields = {
        "subject": one.subject,
        "state": state,
        "since": datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds"),
        "why": one.why,
    }
    return Event("attention", severity, text, fields)
