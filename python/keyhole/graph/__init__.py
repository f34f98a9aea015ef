"""The graph of who asks whom: clients, engines, upstreams, and whether each edge is protected.

It is made from the query history alone, so its sums are those of log and statistics.
"""

from keyhole.graph.live import change
from keyhole.graph.model import MAX_NODES, Graph, GraphChange
from keyhole.graph.query import MAX_INTERVALS, draw
from keyhole.graph.source import (
    EngineInfo,
    Source,
    UpstreamInfo,
    credentials_of,
    expired_policy_of,
    upstreams_of,
)

__all__ = [
    "MAX_INTERVALS",
    "MAX_NODES",
    "EngineInfo",
    "Graph",
    "GraphChange",
    "Source",
    "UpstreamInfo",
    "change",
    "credentials_of",
    "draw",
    "expired_policy_of",
    "upstreams_of",
]
