"""What changes from one graph to the next."""

from collections.abc import Sequence
from typing import TypeVar

from keyhole.graph.model import Edge, Gone, Graph, GraphChange, Node

Part = TypeVar("Part", Node, Edge)


def change(before: Graph, now: Graph) -> GraphChange:
    """What must be replaced, added and removed in the graph before."""
    nodes, gone_nodes = _difference(before.nodes, now.nodes)
    edges, gone_edges = _difference(before.edges, now.edges)
    return GraphChange(
        since=now.since,
        until=now.until,
        observed_seconds=now.observed_seconds,
        traffic=now.traffic,
        nodes=nodes,
        groups=now.groups if now.groups != before.groups else [],
        edges=edges,
        gone=Gone(nodes=gone_nodes, edges=gone_edges),
        folded=now.folded,
    )


def _difference(before: Sequence[Part], now: Sequence[Part]) -> tuple[list[Part], list[str]]:
    """The parts that are new or differ, and the IDs of those that are gone."""
    known = {one.id: one for one in before}
    there = {one.id for one in now}
    changed = [one for one in now if known.get(one.id) != one]
    return changed, [name for name in known if name not in there]
