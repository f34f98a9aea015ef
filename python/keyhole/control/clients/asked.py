"""The clients of the query history, each with its counts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from keyhole.control.clients.model import ClientKind
from keyhole.graph.counts import QueryCounts
from keyhole.graph.proof import client_proof, is_unproved
from keyhole.graph.source import Source
from keyhole.querylog.history import AskerRow, EdgeRow
from keyhole.querylog.history.edge_queries import REST


class ClientKey(NamedTuple):
    """What tells one client from others."""

    kind: ClientKind
    value: str

    @property
    def id(self) -> str:
        """The ID in the API."""
        if self.kind in ("identity", "address", "network"):
            return self.value
        return f"{self.kind}:{self.value}"


@dataclass
class AskedClient:
    """The queries of one client."""

    counts: QueryCounts = field(default_factory=QueryCounts)
    last: int | None = None
    """The time of the last one, in microseconds of Unix time."""
    expired: bool = False
    """Whether it had the policy for expired certificates."""

    def add(self, row: AskerRow, source: Source) -> None:
        """Adds the queries of a row."""
        edge = row.edge
        self.counts.add(edge, client_proof(edge, source), edge.queries)
        if row.last is not None:
            self.last = max(self.last or 0, row.last)
        if source.expired_policy is not None and edge.policy == source.expired_policy:
            self.expired = True


@dataclass
class AskedClients:
    """All clients of a time span."""

    clients: dict[ClientKey, AskedClient] = field(default_factory=dict)
    total: QueryCounts = field(default_factory=QueryCounts)
    left_out: int = 0
    """Queries of clients that are not told apart."""


def asked_clients(rows: Iterable[AskerRow], source: Source) -> AskedClients:
    """The clients of the rows."""
    found = AskedClients()
    for row in rows:
        edge = row.edge
        found.total.add(edge, client_proof(edge, source), edge.queries)
        key = key_of(edge, source)
        if key is None:
            found.left_out += edge.queries
        else:
            found.clients.setdefault(key, AskedClient()).add(row, source)
    return found


def key_of(row: EdgeRow, source: Source) -> ClientKey | None:
    """The client of a row; none where it is one of too many."""
    if row.origin != "row":
        return ClientKey("uncounted", row.origin)
    if REST in (row.token, row.client) or (row.identity or "").endswith(f"/{REST}"):
        return None
    if row.identity is not None:
        return ClientKey("claimed" if is_unproved(row, source) else "identity", row.identity)
    if row.token is not None:
        return ClientKey("token", row.token)
    if row.client is not None:
        return ClientKey("address", row.client)
    return ClientKey("anonymous", row.policy or "")
