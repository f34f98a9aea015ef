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
from keyhole.graph.proof import Proof, client_proof, upstream_proof
from keyhole.graph.source import EngineInfo, Source
from keyhole.querylog.history import EdgeRow
from keyhole.querylog.history.edge_queries import NOT_ASKED


class EdgeKey(NamedTuple):
    """What makes an edge: its two nodes and its kind."""

    source: str
    target: str
    kind: str

    @property
    def id(self) -> str:
        """The ID of the edge."""
        return f"{self.source}>{self.target}:{self.kind}"


def _zeros() -> list[int]:
    return [0, 0, 0, 0]


@dataclass
class Collected:
    """Nodes and edges with their counts."""

    nodes: dict[str, NodeInfo] = field(default_factory=dict)
    edges: dict[EdgeKey, QueryCounts] = field(default_factory=lambda: defaultdict(QueryCounts))
    intervals: dict[tuple[int, EdgeKey], list[int]] = field(
        default_factory=lambda: defaultdict(_zeros)
    )
    """Queries, failed, blocked and unprotected ones, by start of the interval and edge."""
    interval_totals: dict[int, list[int]] = field(default_factory=lambda: defaultdict(_zeros))
    """The same of the first source, by start of the interval."""
    total: QueryCounts = field(default_factory=QueryCounts)
    """The queries of the first source: of the engines of this Keyhole."""

    def place(self, node: NodeInfo) -> str:
        """Makes sure that a node is there; returns its ID."""
        self.nodes.setdefault(node.id, node)
        return node.id


def collect(sources: Sequence[tuple[Source, Iterable[EdgeRow]]]) -> Collected:
    """All edges of the rows; the first source is this Keyhole itself."""
    found = Collected()
    engines = [engine for source, _ in sources for engine in source.engines.values()]
    for number, (source, rows) in enumerate(sources):
        collector = _Collector(found, source, engines, is_own=number == 0)
        for row in rows:
            collector.add(row)
    return found


class _Collector:
    """Collects the rows of one source."""

    def __init__(
        self, found: Collected, source: Source, engines: Sequence[EngineInfo], *, is_own: bool
    ) -> None:
        self._found = found
        self._source = source
        self._is_own = is_own
        self._asking = {identity: one for one in engines for identity in one.identities}
        self._listening = {address: one for one in engines for address in one.addresses}
        self._ends: dict[tuple[str | None, ...], tuple[str, str]] = {}

    def add(self, row: EdgeRow) -> None:
        """Adds the queries of a row to its edges."""
        if row.kind == "domain":
            self._add_domain(row)
            return
        client, engine = self._ends_of(row)
        if row.kind == "interval":
            self._add_interval(row, client, engine)
        else:
            self._add_client(row, client, engine)

    def _ends_of(self, row: EdgeRow) -> tuple[str, str]:
        """The IDs of client and engine; a series has the same ones many times."""
        who = (row.engine, row.identity, row.token, row.client, row.policy, row.reason, row.origin)
        ends = self._ends.get(who)
        if ends is None:
            client = self._found.place(client_node(row, self._source, self._asking))
            ends = self._ends[who] = client, self._engine(row)
        return ends

    def _engine(self, row: EdgeRow) -> str:
        return self._found.place(engine_node(self._source.engine_of(row.engine)))

    def _add_domain(self, row: EdgeRow) -> None:
        domain = self._found.place(domain_node(row.domain or ""))
        proof = client_proof(row, self._source)
        self._found.edges[EdgeKey(self._engine(row), domain, "names")].add(row, proof, row.queries)

    def _add_client(self, row: EdgeRow, client: str, engine: str) -> None:
        proof = client_proof(row, self._source)
        if self._is_own:
            self._found.total.add(row, proof, row.queries)
        self._found.edges[EdgeKey(client, engine, "asks")].add(row, proof, row.queries)
        if sent := sent_upstream(row):
            proof = upstream_proof(row, self._source.upstreams.get(row.upstream or ""))
            key = EdgeKey(engine, self._asked(row), "forwards")
            self._found.edges[key].add(row, proof, sent)

    def _add_interval(self, row: EdgeRow, client: str, engine: str) -> None:
        proof = client_proof(row, self._source)
        keys = [(EdgeKey(client, engine, "asks"), row.queries, proof)]
        if sent := sent_upstream(row):
            proof = upstream_proof(row, self._source.upstreams.get(row.upstream or ""))
            keys.append((EdgeKey(engine, self._asked(row), "forwards"), sent, proof))
        for key, queries, proof in keys:
            _count(self._found.intervals[row.interval, key], row, queries, proof)
        if self._is_own:
            _, queries, proof = keys[0]
            _count(self._found.interval_totals[row.interval], row, queries, proof)

    def _asked(self, row: EdgeRow) -> str:
        """The ID of the upstream, or of the engine of this graph that listens there."""
        upstream = self._source.upstreams.get(row.upstream or "")
        addresses = sorted(upstream.addresses) if upstream else []
        engines = [self._listening[one] for one in addresses if one in self._listening]
        node = engine_node(engines[0]) if engines else upstream_node(row.upstream or "")
        return self._found.place(node)


def _count(counts: list[int], row: EdgeRow, queries: int, proof: Proof) -> None:
    counts[0] += queries
    counts[1] += queries if row.outcome == "failed" else 0
    counts[2] += queries if row.outcome == "blocked" else 0
    counts[3] += queries if proof.why else 0


def sent_upstream(row: EdgeRow) -> int:
    """How many of the queries were sent to their upstream."""
    if row.upstream is None or row.reason in NOT_ASKED:
        return 0
    return row.queries if row.reason == "forwarded" else row.waited
