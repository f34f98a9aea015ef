"""Graphs that are drawn from the history of a test."""

from typing import Any

from keyhole.graph.model import Edge, Graph
from keyhole.graph.query import draw
from keyhole.graph.source import EngineInfo, Source, UpstreamInfo
from keyhole.querylog.history import EdgeCriteria, History

ENGINE = EngineInfo("local", "resolver", "resolver")
UPSTREAM = UpstreamInfo("quad9", "doh", frozenset())


def source(history: History, **changes: Any) -> Source:
    """A resolver with one upstream."""
    given: dict[str, Any] = {"engines": {"local": ENGINE}, "upstreams": {"quad9": UPSTREAM}}
    return Source(history.edges, **{**given, **changes})


def drawn(history: History, since: int, until: int, most: int = 150, **wanted: Any) -> Graph:
    """The graph of one history."""
    return draw([source(history)], EdgeCriteria(since, until, **wanted), most)


def edge(graph: Graph, start: str, end: str, kind: str = "asks") -> Edge:
    """The edge between two nodes, by the labels of these."""
    labels = {one.id: one.label for one in graph.nodes}
    (found,) = [
        one
        for one in graph.edges
        if (labels[one.source], labels[one.target], one.kind) == (start, end, kind)
    ]
    return found


def asked(graph: Graph) -> int:
    """The queries of all clients."""
    return sum(one.traffic.queries for one in graph.edges if one.kind == "asks")
