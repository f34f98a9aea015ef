"""Queries of the log as events."""

from collections.abc import Collection

from keyhole.events import Event, Severity
from keyhole.querylog import Tail
from keyhole.querylog.entry import LogEntry

FINDINGS, REFUSALS, QUERIES = "findings", "refusals", "queries"
_FOUND = ("tunnel_type", "tunnel_budget", "tunnel_throttled", "private_address")
"""Reasons that speak of an attack: a tunnel, or DNS rebinding."""
_OBSERVED = "tunneling:"
"""How the log begins what would have been done against a tunnel."""
_SEVERITY = {FINDINGS: Severity.WARNING, REFUSALS: Severity.NOTICE, QUERIES: Severity.INFO}


def kind_of(entry: LogEntry) -> str:
    """``findings``, ``refusals`` or ``queries``."""
    if entry.reason in _FOUND or (entry.observed or "").startswith(_OBSERVED):
        return FINDINGS
    return REFUSALS if entry.outcome == "refused" else QUERIES


def query_event(entry: LogEntry, kind: str) -> Event:
    """A query as an event; it names the client as far as its policy has the log do so."""
    what = f"{entry.name or 'no name'} {entry.kind or ''}".rstrip()
    fields = {name: value for name, value in entry.document.items() if name != "time"}
    text = f"{entry.client_ref}: {what} {entry.outcome}, {entry.reason}"
    return Event(kind, _SEVERITY[kind], text, fields, entry.time)


class QueryFeed:
    """Follows the query log from its end on."""

    def __init__(self, tail: Tail, chosen: Collection[str]) -> None:
        """``chosen`` are the kinds that somebody wants. A finding that is wanted as a query alone
        comes as a query."""
        self._tail = tail
        self._chosen = chosen
        self._is_begun = False
        self._dropped = 0

    @property
    def missed(self) -> int:
        """Queries that nobody was told of: lost in the log, or too many at once."""
        return self._tail.missed + self._dropped

    def new(self, most: int) -> list[Event]:
        """At most ``most`` wanted queries since the last call; more are counted. Blocks; raises
        ``OSError``."""
        if not self._is_begun:
            self._tail.skip()
            self._is_begun = True
        events: list[Event] = []
        # To its end: a reader who stops within a file that was rotated does not come back to it.
        for entry in self._tail.new():
            kind = kind_of(entry)
            wanted = kind if kind in self._chosen else QUERIES
            if wanted not in self._chosen:
                continue
            if len(events) < most:
                events.append(query_event(entry, wanted))
            else:
                self._dropped += entry.count
        return events

    def close(self) -> None:
        """Closes the log."""
        self._tail.close()
