"""The graph as it is answered: nodes, edges, and the lock of each."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

MAX_NODES = 150
"""Nodes of one answer; the least busy ones above that are folded into one node for each group."""

NodeKind = Literal[
    "workload",
    "token",
    "address",
    "anonymous",
    "claimed",
    "uncounted",
    "resolver",
    "forwarder",
    "engine",
    "upstream",
    "domain",
    "folded",
]
Share = Annotated[float, Field(ge=0, le=1)]


class WaitTimes(BaseModel):
    """How long queries waited for an upstream, in microseconds, within 5 percent."""

    p50: int = Field(description="Half of them waited at most so long.")
    p95: int = Field(description="95 of 100 waited at most so long.")
    p99: int = Field(description="99 of 100 waited at most so long.")


class Traffic(BaseModel):
    """Counts of queries, and what they say of the way of these queries."""

    queries: int = Field(description="Queries in the time span.")
    rate: float = Field(
        description="Queries per second, in the mean of the observed part of the time span."
    )
    by_outcome: dict[str, int] = Field(description="Queries by outcome.")
    by_reason: dict[str, int] = Field(description="Queries by reason.")
    by_transport: dict[str, int] = Field(description="Queries by transport.")
    errors: int = Field(description="Queries that failed.")
    blocked_share: Share = Field(description="Share of queries that policy blocked.")
    encrypted_share: Share = Field(
        description="Share of queries that were encrypted, of those where that is known."
    )
    authenticated_share: Share = Field(
        description="Share of queries where who is known was proved: of the client on the way to "
        "an engine, of the server on the way to an upstream; of those where that is known."
    )
    unprotected: int = Field(
        description="Queries that were not encrypted or not authenticated: each opens the lock."
    )
    unknown: int = Field(
        description="Queries without a row in the log, of which is not known whether they were "
        "protected. They are in none of the two shares and open no lock."
    )
    waited: int = Field(description="Queries that waited for an upstream.")
    wait_us: WaitTimes | None = Field(description="How long these waited; null if none did.")


class OpenReason(BaseModel):
    """Why a lock is open."""

    reason: str = Field(description="A word, such as cleartext or network_only.")
    queries: int = Field(description="Queries that it is true of.")
    text: str = Field(description="A sentence for people.")


class Lock(BaseModel):
    """Closed if every query of which it is known was encrypted and authenticated."""

    closed: bool = Field(description="Whether it is closed; false if nothing is known.")
    state: Literal["closed", "open", "unknown"] = Field(
        description="unknown: of none of the queries is known whether it was protected."
    )
    reasons: list[OpenReason] = Field(description="Why it is open; empty if it is not.")


class Node(BaseModel):
    """A client, an engine, an upstream or a domain."""

    id: str = Field(description="Stays the same from answer to answer.")
    kind: NodeKind = Field(
        description="workload: known by its certificate. token: known by its token. address: known "
        "by its network alone. anonymous: its policy or its age hides it. claimed: showed a "
        "certificate that proves nothing. uncounted: queries without a row in the log. folded: "
        "several nodes of a group."
    )
    label: str = Field(description="A short name.")
    name: str = Field(description="The full name, such as a SPIFFE ID or an address.")
    group: str = Field(description="The ID of its group.")
    members: int = Field(description="The number of nodes that it stands for.")
    traffic: Traffic = Field(
        description="Of a client the queries it sent, of all others the queries they were asked."
    )
    lock: Lock = Field(description="The lock of all edges that this traffic takes.")


class Group(BaseModel):
    """Nodes that belong together: a namespace, a network, or a kind of server."""

    id: str = Field(description="Stays the same from answer to answer.")
    label: str = Field(description="A short name.")
    nodes: int = Field(description="The number of its nodes in this answer.")


class Edge(BaseModel):
    """Who asks whom."""

    id: str = Field(description="Stays the same from answer to answer.")
    source: str = Field(description="The ID of the node that asks.")
    target: str = Field(description="The ID of the node that is asked.")
    kind: Literal["asks", "forwards", "names"] = Field(
        description="asks: a client asks an engine, as the engine saw it. forwards: an engine asks "
        "an upstream, as the engine saw it. names: an engine was asked for names below a domain."
    )
    how: dict[str, int] = Field(
        description="Queries by what proved who is there: certificate, token, network (nothing "
        "but the address), mesh, unproved or unknown."
    )
    tls: dict[str, int] = Field(
        description="Queries by version of TLS, such as 1.3; none without TLS, unknown where a "
        "mesh ends it, where no answer came, and for queries from before it was kept."
    )
    upstreams: dict[str, int] = Field(
        description="Queries by name of the Upstream document; empty unless it forwards."
    )
    policies: dict[str, int] = Field(description="Queries by policy.")
    traffic: Traffic = Field(description="Its queries.")
    lock: Lock = Field(description="Whether each of them was encrypted and authenticated.")


class IntervalCounts(BaseModel):
    """Counts of one edge, or of all queries, in one interval."""

    queries: int = Field(description="Queries.")
    errors: int = Field(description="Queries that failed.")
    blocked: int = Field(description="Queries that policy blocked.")
    unprotected: int = Field(
        description="Queries that were not encrypted or not authenticated: each opens the lock."
    )


class Interval(BaseModel):
    """The edges with queries in one interval."""

    time: datetime = Field(description="The start of the interval.")
    total: IntervalCounts = Field(
        description="All queries of the engines of this Keyhole, as in `traffic` of the graph."
    )
    edges: dict[str, IntervalCounts] = Field(description="Counts by ID of the edge.")


class _Span(BaseModel):
    """What is said of a time span as a whole."""

    since: datetime = Field(description="The start of the time span.")
    until: datetime = Field(description="The end of the time span, exclusive.")
    observed_seconds: float = Field(
        description="The part of it that rates are over: from the first query that is known, at "
        "most until now."
    )
    traffic: Traffic = Field(
        description="All queries of the engines of this Keyhole: the totals of the statistics for "
        "the same time span and criteria."
    )
    folded: int = Field(description="The number of nodes that are part of another one.")


class Graph(_Span):
    """Who asked whom in a time span."""

    nodes: list[Node] = Field(description=f"The nodes, the busiest first; at most {MAX_NODES}.")
    groups: list[Group] = Field(description="The groups of the nodes.")
    edges: list[Edge] = Field(description="The edges, the busiest first.")
    step: int | None = Field(description="The length of an interval in seconds, if asked for.")
    intervals: list[Interval] = Field(description="The series; empty without a step.")


class Gone(BaseModel):
    """IDs that are not in the graph any more."""

    nodes: list[str] = Field(description="IDs of nodes.")
    edges: list[str] = Field(description="IDs of edges.")


class GraphChange(_Span):
    """What differs from the graph before; what is not named is as it was."""

    nodes: list[Node] = Field(description="Nodes that are new or differ.")
    groups: list[Group] = Field(description="All groups, if one of them differs.")
    edges: list[Edge] = Field(description="Edges that are new or differ.")
    gone: Gone = Field(description="Nodes and edges that ended.")
