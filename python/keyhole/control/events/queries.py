"""Queries of the log as events."""

from collections import Counter
from collections.abc import Collection, Mapping

from keyhole.events import Event, Severity
from keyhole.querylog import Tail
from keyhole.querylog.entry import LogEntry

FINDINGS, REFUSALS, QUERIES = "findings", "refusals", "queries"
_FOUND = (
    "tunnel_type",
    "tunnel_budget",
    "tunnel_throttled",
    "tunnel_split",
    "missing_domains",
    "private_address",
)
"""Reasons that speak of an attack: a tunnel, malware that looks for its server, DNS rebinding."""
_OBSERVED = ("tunneling:", "missing domains")
"""How the log begins what would have been done against the first two."""
_UNKNOWN = ""
"""The kind of queries that were lost before anybody read them."""
NOTICE_SECONDS = 60.0
"""How long after word of lost queries there is none again: a flood must not become one of words."""
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
        self._dropped: Counter[str] = Counter()

    @property
    def missed(self) -> Counter[str]:
        """Queries that nobody was told of, by kind: too many at once, or, with the kind ``""``,
        lost in the log."""
        return self._dropped + Counter({_UNKNOWN: self._tail.missed})

    def new(self, most: int) -> list[Event]:
        """At most ``most`` wanted queries of each kind since the last call; more are counted.
        Blocks; raises ``OSError``."""
        if not self._is_begun:
            self._tail.skip()
            self._is_begun = True
        events: list[Event] = []
        found: Counter[str] = Counter()
        # To its end: a reader who stops within a file that was rotated does not come back to it.
        for entry in self._tail.new():
            kind = kind_of(entry)
            wanted = kind if kind in self._chosen else QUERIES
            if wanted not in self._chosen:
                continue
            found[wanted] += 1
            if found[wanted] <= most:
                events.append(query_event(entry, wanted))
            else:
                self._dropped[wanted] += entry.count
        return events

    def close(self) -> None:
        """Closes the log."""
        self._tail.close()


def lost_of(missed: Mapping[str, int], chosen: Collection[str]) -> int:
    """How many of the missed queries a receiver of these kinds would have been told. One that was
    lost unread may have been of any kind."""
    wanted = {kind for kind in (FINDINGS, REFUSALS, QUERIES) if kind in chosen}
    if QUERIES in wanted:
        return sum(missed.values())
    return sum(number for kind, number in missed.items() if kind in wanted or (wanted and not kind))


class MissedNotice:
    """Says when to tell of lost queries: at once, and then at most once a minute."""

    def __init__(self) -> None:
        self._told = 0
        self._last: float | None = None

    def due(self, missed: int, now: float) -> int:
        """How many to tell of, 0 for none now. ``missed`` is how many there were in all, ``now`` in
        seconds of a clock that only goes forward."""
        if missed <= self._told or (self._last is not None and now - self._last < NOTICE_SECONDS):
            return 0
        new, self._told, self._last = missed - self._told, missed, now
        return new
