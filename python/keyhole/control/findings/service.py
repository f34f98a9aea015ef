"""What people do with findings: they mute them for a time, close them, and open them again."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from keyhole.control.error import InvalidError, NotThereError
from keyhole.control.findings.collector import FindingCollector
from keyhole.control.findings.finding import Finding
from keyhole.store import Actor, AuditEntry, append

MAX_MUTE = 366 * 86_400
"""Seconds."""


class FindingService:
    """Lists and changes findings. Each change has an audit record."""

    def __init__(self, collector: FindingCollector) -> None:
        self._collector = collector

    def all(self) -> list[Finding]:
        """All of them, those with the newest queries first."""
        self._collector.read()
        return self._collector.known

    def find(self, number: int) -> Finding:
        """One of them; raises ``NotThereError``."""
        return _found({one.number: one for one in self.all()}, number)

    def counts(self) -> Counter[tuple[str, str]]:
        """How many there are, by kind and state, as far as they are read."""
        return Counter((one.kind, one.state) for one in self._collector.known)

    def mute(self, number: int, seconds: int, actor: Actor, why: str) -> Finding:
        """Keeps it out of what needs attention for a time; it goes on counting. Raises
        ``NotThereError`` and ``InvalidError``."""
        if not 60 <= seconds <= MAX_MUTE:
            raise InvalidError("a mute lasts from a minute to 366 days")
        until = int(time.time()) + seconds
        end = datetime.fromtimestamp(until, UTC).isoformat().replace("+00:00", "Z")

        def muted(found: Finding) -> Finding:
            return replace(found, state="muted", until=until, who=actor.name, why=why)

        return self._change(number, actor, why, muted, action="finding_muted", until=end)

    def close(self, number: int, actor: Actor, why: str | None) -> Finding:
        """Says that it is dealt with: what comes later is a new finding. Raises
        ``NotThereError``."""

        def closed(found: Finding) -> Finding:
            return replace(found, state="closed", until=None, who=actor.name, why=why)

        return self._change(number, actor, why, closed, action="finding_closed")

    def reopen(self, number: int, actor: Actor, why: str | None) -> Finding:
        """Ends a mute, or takes back that it was closed. Raises ``NotThereError``."""

        def opened(found: Finding) -> Finding:
            return replace(found, state="open", until=None, who=actor.name, why=why)

        return self._change(number, actor, why, opened, action="finding_reopened")

    def _change(
        self,
        number: int,
        actor: Actor,
        why: str | None,
        changed: Callable[[Finding], Finding],
        *,
        action: str,
        until: str | None = None,
    ) -> Finding:
        def write(connection: Connection, known: dict[int, Finding]) -> Finding:
            found = _found(known, number)
            new = changed(found)
            # Without client and domain: nothing is ever removed from the audit record, and both
            # may be kept no longer than in the query log.
            detail = {
                "finding": number,
                "before": found.state,
                "after": new.state,
                **({"until": until} if until else {}),
            }
            append(
                connection, AuditEntry(actor.name, actor.via, action, actor.address, why, detail)
            )
            return new

        return self._collector.change(write)


def _found(known: dict[int, Finding], number: int) -> Finding:
    found = known.get(number)
    if found is None:
        raise NotThereError(f"there is no finding {number}; keyhole findings shows them")
    return found
