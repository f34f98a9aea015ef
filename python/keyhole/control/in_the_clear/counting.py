"""Counts of queries in the clear: by transport, by client and by upstream."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from keyhole.control.clients.asked import ClientKey, key_of
from keyhole.graph.collect import sent_upstream
from keyhole.graph.counts import QueryCounts
from keyhole.graph.proof import client_proof, upstream_proof
from keyhole.graph.source import Source
from keyhole.querylog.history import AskerRow

REST = ClientKey("address", "other clients")
"""Stands for clients that are not told apart."""
TURNED_AWAY = ("refused", "dropped")


@dataclass
class ClearCounts:
    """Counts of one thing in the clear, and who used it."""

    counts: QueryCounts = field(default_factory=QueryCounts)
    served: int = 0
    """Queries that were neither refused nor dropped."""
    last: int | None = None
    users: Counter[ClientKey] = field(default_factory=Counter)
    last_of: dict[ClientKey, int] = field(default_factory=dict)

    def seen(self, key: ClientKey, queries: int, last: int | None) -> None:
        """Notes who used it, and when."""
        self.users[key] += queries
        if last is not None:
            self.last = max(self.last or 0, last)
            self.last_of[key] = max(self.last_of.get(key, 0), last)


@dataclass
class ClearTotals:
    """All of them. ``total`` are all queries, ``open`` those with an open lock, ``turned_away``
    those of these that were refused or dropped."""

    total: QueryCounts = field(default_factory=QueryCounts)
    open: int = 0
    turned_away: int = 0
    transports: dict[str, ClearCounts] = field(default_factory=lambda: defaultdict(ClearCounts))
    clients: dict[ClientKey, ClearCounts] = field(default_factory=lambda: defaultdict(ClearCounts))
    upstreams: dict[str, ClearCounts] = field(default_factory=lambda: defaultdict(ClearCounts))


def count_clear(rows: Iterable[AskerRow], source: Source) -> ClearTotals:
    """Counts the rows."""
    found = ClearTotals()
    for row in rows:
        _add(found, row, source)
    return found


def _add(found: ClearTotals, row: AskerRow, source: Source) -> None:
    edge, last = row.edge, row.last
    proof = client_proof(edge, source)
    found.total.add(edge, proof, edge.queries)
    key = key_of(edge, source) or REST
    is_served = edge.outcome not in TURNED_AWAY
    if proof.why:
        found.open += edge.queries
        found.turned_away += 0 if is_served else edge.queries
    places = []
    if proof.is_known and not proof.is_encrypted:
        # Where a proxy has ended TLS, another listener took it.
        ended = edge.transport == "doh"
        places.append(found.transports["doh_cleartext" if ended else edge.transport])
    if not proof.is_authenticated:
        places.append(found.clients[key])
    for one in places:
        one.counts.add(edge, proof, edge.queries)
        one.served += edge.queries if is_served else 0
        one.seen(key, edge.queries, last)
    _add_upstream(found, row, key, source)


def _add_upstream(found: ClearTotals, row: AskerRow, key: ClientKey, source: Source) -> None:
    sent = sent_upstream(row.edge)
    if not sent:
        return
    name = row.edge.upstream or ""
    proof = upstream_proof(row.edge, source.upstreams.get(name))
    if proof.why:
        found.upstreams[name].counts.add(row.edge, proof, sent)
        found.upstreams[name].served += sent
        found.upstreams[name].seen(key, sent, row.last)
