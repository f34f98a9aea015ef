"""Collects the queries of all sources by edge."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from keyhole.graph.clients import (
    NodeInfo,
    client_node,
    domain_node,
    engine_node,
    upstream_node,
)
from keyhole.graph.counts import QueryCounts
from keyhole.graph.model import IntervalCounts
from keyhole.graph.proof import Proof, client_proof, upstream_proof
from keyhole.graph.source import EngineInfo, Source
from keyhole.querylog.history import EdgeRow

_NOT_ASKED = ("cached", "stale", "cached_failure")
"""Reasons with the upstream of an earlier query."""


class EdgeKey(NamedTuple):
    """What makes an edge: its two nodes and its kind."""

    source: str
    target: str
    kind: str

    @property
    def id(self) -> str:
        """The ID of the edge."""
        return f"{self.source}>{self.target}:{self.kind}"


def _counts() -> IntervalCounts:
    return IntervalCounts(queries=0, errors=0, blocked=0)


@dataclass
class Collected:
    """Nodes and edges with their counts."""

    nodes: dict[str, NodeInfo] = field(default_factory=dict)
    edges: dict[EdgeKey, QueryCounts] = field(default_factory=lambda: defaultdict(QueryCounts))
    intervals: dict[tuple[int, EdgeKey], IntervalCounts] = field(
        default_factory=lambda: defaultdict(_counts)
    )
    total: QueryCounts = field(default_factory=QueryCounts)
    """The queries of the first source: of the engines of this Keyhole."""

    def add(self, key: EdgeKey, row: EdgeRow, proof: Proof, queries: int) -> None:
        """Adds queries to an edge."""
        self.edges[key].add(row, proof, queries)
        counts = self.intervals[row.interval, key]
        counts.queries += queries
        counts.errors += queries if row.outcome == "failed" else 0
        counts.blocked += queries if row.outcome == "blocked" else 0

    def place(self, node: NodeInfo) -> str:
        """Makes sure that a node is there; returns its ID."""
        self.nodes.setdefault(node.id, node)
        return node.id


def collect(sources: Sequence[tuple[Source, Iterable[EdgeRow]]]) -> Collected:
    """All edges of the rows; the first source is this Keyhole itself."""
    found = Collected()
    engines = [engine for source, _ in sources for engine in source.engines.values()]
    asking = {identity: one for one in engines for identity in one.identities}
    listening = {address: one for one in engines for address in one.addresses}
    for number, (source, rows) in enumerate(sources):
        for row in rows:
            proof = client_proof(row, source)
            if number == 0:
                found.total.add(row, proof, row.queries)
            engine = found.place(engine_node(source.engine_of(row.engine)))
            client = found.place(client_node(row, source, asking))
            found.add(EdgeKey(client, engine, "asks"), row, proof, row.queries)
            if row.domain is not None:
                domain = found.place(domain_node(row.domain))
                found.add(EdgeKey(engine, domain, "names"), row, proof, row.queries)
            _forward(found, row, source, engine, listening)
    return found


def _forward(
    found: Collected,
    row: EdgeRow,
    source: Source,
    engine: str,
    listening: dict[str, EngineInfo],
) -> None:
    queries = row.queries if row.reason == "forwarded" else row.waited
    if row.upstream is None or row.reason in _NOT_ASKED or not queries:
        return
    upstream = source.upstreams.get(row.upstream)
    addresses = upstream.addresses if upstream else frozenset()
    there = [listening[address] for address in sorted(addresses) if address in listening]
    node = engine_node(there[0]) if there else upstream_node(row.upstream)
    key = EdgeKey(engine, found.place(node), "forwards")
    found.add(key, row, upstream_proof(row, upstream), queries)
