"""Draws the graph of a time span."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, cast

from keyhole.graph.clients import NodeInfo
from keyhole.graph.collect import Collected, EdgeKey, collect
from keyhole.graph.counts import QueryCounts, ordered
from keyhole.graph.fold import fold
from keyhole.graph.model import (
    MAX_NODES,
    Edge,
    Graph,
    Group,
    Interval,
    IntervalCounts,
    Node,
)
from keyhole.graph.source import Source
from keyhole.querylog.history import EdgeCriteria

MAX_INTERVALS = 200
"""Intervals of one series."""
_MICROS = 1_000_000
_NOTHING = (0, 0, 0, 0)


def draw(sources: Sequence[Source], wanted: EdgeCriteria, most: int = MAX_NODES) -> Graph:
    """The graph of a time span; the first source is this Keyhole itself, the others are its
    neighbors. Raises ``OSError`` and ``duckdb.Error``."""
    found = collect([(source, source.read(wanted)) for source in sources])
    folded = fold(found.nodes, _busy(found.edges), most)
    span = _observed(sources, wanted)
    edges = _folded_edges(found, folded)
    nodes = _nodes(edges, folded, span)
    return Graph(
        since=_time(wanted.since),
        until=_time(wanted.until),
        observed_seconds=span / _MICROS,
        traffic=found.total.traffic(span),
        nodes=nodes,
        groups=_groups(nodes, folded),
        edges=[_edge(key, counts, span) for key, counts in _ranked(edges)],
        folded=sum(one.id != name for name, one in folded.items()),
        step=None if wanted.step is None else wanted.step // _MICROS,
        intervals=[] if wanted.step is None else _intervals(found, folded),
    )


def _observed(sources: Sequence[Source], wanted: EdgeCriteria) -> int:
    """The microseconds of the time span that rates are over: not those before the first query that
    any source knows, and not the future. At least a second, so that a rate is one."""
    known = [first for source in sources if (first := source.first()) is not None]
    begin = max(wanted.since, min(known, default=wanted.since))
    end = min(wanted.until, int(time.time() * _MICROS))
    whole = wanted.until - wanted.since
    return min(whole, max(end - begin, _MICROS))


def _busy(edges: Mapping[EdgeKey, QueryCounts]) -> Counter[str]:
    """The queries at each node."""
    found: Counter[str] = Counter()
    for key, counts in edges.items():
        found[key.source] += counts.queries
        found[key.target] += counts.queries
    return found


def _folded_key(key: EdgeKey, folded: Mapping[str, NodeInfo]) -> EdgeKey:
    return EdgeKey(folded[key.source].id, folded[key.target].id, key.kind)


def _folded_edges(found: Collected, folded: Mapping[str, NodeInfo]) -> dict[EdgeKey, QueryCounts]:
    edges: dict[EdgeKey, QueryCounts] = defaultdict(QueryCounts)
    for key, counts in found.edges.items():
        edges[_folded_key(key, folded)].merge(counts)
    return edges


def _ranked(edges: Mapping[EdgeKey, QueryCounts]) -> list[tuple[EdgeKey, QueryCounts]]:
    return sorted(edges.items(), key=lambda one: (-one[1].queries, one[0]))


def _nodes(
    edges: Mapping[EdgeKey, QueryCounts], folded: Mapping[str, NodeInfo], span: int
) -> list[Node]:
    """The nodes: of one that is asked the queries that it got, of a client those that it sent."""
    received: dict[str, QueryCounts] = defaultdict(QueryCounts)
    forwarded: dict[str, QueryCounts] = defaultdict(QueryCounts)
    sent: dict[str, QueryCounts] = defaultdict(QueryCounts)
    for key, counts in edges.items():
        # What an engine sees itself says more than what was sent to it.
        (forwarded if key.kind == "forwards" else received)[key.target].merge(counts)
        if key.kind == "asks":
            sent[key.source].merge(counts)
    nodes = []
    for one in {info.id: info for info in folded.values()}.values():
        sides = (side[one.id] for side in (received, forwarded, sent) if one.id in side)
        counts = next(sides, QueryCounts())
        nodes.append(
            Node(
                id=one.id,
                kind=one.kind,
                label=one.label,
                name=one.name,
                group=one.group,
                members=one.members,
                traffic=counts.traffic(span),
                lock=counts.lock(),
            )
        )
    return sorted(nodes, key=lambda one: (-one.traffic.queries, one.id))


def _groups(nodes: Sequence[Node], folded: Mapping[str, NodeInfo]) -> list[Group]:
    labels = {one.group: one.group_label for one in folded.values()}
    sizes = Counter(one.group for one in nodes)
    return [Group(id=name, label=labels[name], nodes=sizes[name]) for name in sorted(sizes)]


def _edge(key: EdgeKey, counts: QueryCounts, span: int) -> Edge:
    return Edge(
        id=key.id,
        source=key.source,
        target=key.target,
        kind=cast("Literal['asks', 'forwards', 'names']", key.kind),
        how=ordered(counts.how),
        tls=ordered(counts.tls),
        upstreams=ordered(counts.upstreams) if key.kind == "forwards" else {},
        policies=ordered(counts.policies),
        traffic=counts.traffic(span),
        lock=counts.lock(),
    )


def _intervals(found: Collected, folded: Mapping[str, NodeInfo]) -> list[Interval]:
    sums: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (moment, key), counts in found.intervals.items():
        sums[moment][_folded_key(key, folded).id].update(_named(counts))
    return [
        Interval(
            time=_time(moment),
            total=IntervalCounts(**_named(found.interval_totals.get(moment, _NOTHING))),
            edges={name: IntervalCounts(**counts) for name, counts in edges.items()},
        )
        for moment, edges in sorted(sums.items())
    ]


def _named(counts: Sequence[int]) -> dict[str, int]:
    return dict(zip(IntervalCounts.model_fields, counts, strict=True))


def _time(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / _MICROS, UTC)
