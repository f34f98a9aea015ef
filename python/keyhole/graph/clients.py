"""The node of the client of a query."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from keyhole.graph.model import NodeKind
from keyhole.graph.proof import is_unproved
from keyhole.graph.source import EngineInfo, Source
from keyhole.policy.client_names import with_name
from keyhole.querylog.history import EdgeRow
from keyhole.querylog.history.edge_queries import REST

_IN_NAMESPACE = re.compile(r"spiffe://[^/]+/ns/([^/]+)/(?:sa/)?(.+)")
_PATH = re.compile(r"spiffe://([^/]+)/(?:(.+)/)?([^/]+)")
_IPV4_NETWORK, _IPV6_NETWORK = 24, 64
"""Lengths of the prefixes that group addresses."""
_REST = ("rest", "other clients")
"""ID and label of the group of clients without identity that are not told apart."""
_DOMAINS = ("domains", "domains")
"""ID and label of the group of domains."""
_UNCOUNTED = {
    "deleted": "queries whose rows are deleted",
    "unlogged": "queries kept out of the log",
    "lost": "queries that were lost before they could be stored",
}


@dataclass(frozen=True)
class NodeInfo:
    """What a node is, without its traffic."""

    id: str
    kind: NodeKind
    label: str
    name: str
    group: str
    group_label: str
    members: int = 1


def client_node(row: EdgeRow, source: Source, engines: Mapping[str, EngineInfo]) -> NodeInfo:
    """The node of the client; ``engines`` are those that ask others, by SPIFFE ID."""
    if row.origin != "row":
        label = _UNCOUNTED[row.origin]
        node = f"uncounted:{row.origin}"
        return NodeInfo(node, "uncounted", label, label, "uncounted", "not in the log")
    if row.identity is not None:
        if is_unproved(row, source):
            label = f"{short(row.identity)} (claimed)"
            node = f"claimed:{row.identity}"
            return NodeInfo(node, "claimed", label, row.identity, "claimed", "not proved")
        if (engine := engines.get(row.identity)) is not None:
            return engine_node(engine)
        return _workload(row.identity, source.names().name_of(row.identity, None, None))
    if REST in (row.token, row.client):
        return NodeInfo("folded:clients", "folded", "other clients", "other clients", *_REST)
    if row.token is not None:
        shown = with_name(source.names().name_of(None, row.token, None), row.token)
        return NodeInfo(f"token:{row.token}", "token", shown, row.token, "tokens", "tokens")
    if row.client is not None:
        group, label = _network(row.client)
        node = f"address:{row.client}"
        name = source.names().named(None, None, row.client)
        shown = name.beside(row.client) if name else row.client
        return NodeInfo(node, "address", shown, row.client, group, label)
    policy = row.policy or "no policy"
    node, label = f"anonymous:{policy}", f"anonymous ({policy})"
    return NodeInfo(node, "anonymous", label, label, "anonymous", "anonymous")


def engine_node(engine: EngineInfo) -> NodeInfo:
    """The node of an engine."""
    kinds: dict[str, NodeKind] = {"resolver": "resolver", "forwarder": "forwarder"}
    kind = kinds.get(engine.kind, "engine")
    return NodeInfo(engine.node, kind, engine.label, engine.name, "engines", "engines")


def upstream_node(name: str) -> NodeInfo:
    """The node of an upstream that is no engine of this graph."""
    return NodeInfo(f"upstream:{name}", "upstream", name, name, "upstreams", "upstreams")


def domain_node(domain: str) -> NodeInfo:
    """The node of a domain, or of all that are not told apart."""
    if domain == REST:
        return NodeInfo("domain:*", "folded", "other domains", "other domains", *_DOMAINS)
    return NodeInfo(f"domain:{domain}", "domain", domain, domain, *_DOMAINS)


def namespace(identity: str) -> str:
    """The namespace of a SPIFFE ID: what follows ``ns``, else all of the path but its last part;
    empty where there is neither."""
    if found := _IN_NAMESPACE.fullmatch(identity):
        return found[1]
    found = _PATH.fullmatch(identity)
    return (found[2] or "") if found else ""


def short(identity: str) -> str:
    """A SPIFFE ID without its trust domain: namespace and service account, else the path."""
    if found := _IN_NAMESPACE.fullmatch(identity):
        return f"{found[1]}/{found[2]}"
    return identity.removeprefix("spiffe://").partition("/")[2] or identity


def _workload(identity: str, client: str | None) -> NodeInfo:
    where = namespace(identity)
    kind: NodeKind = "folded" if identity.endswith(f"/{REST}") else "workload"
    if not where:
        domain = identity.removeprefix("spiffe://").partition("/")[0]
        group, label = f"domain:{domain}", f"trust domain {domain}"
    else:
        group, label = f"namespace:{where}", f"namespace {where}"
    shown = with_name(client, short(identity))
    return NodeInfo(f"workload:{identity}", kind, shown, identity, group, label)


def _network(client: str) -> tuple[str, str]:
    """ID and label of the group of an address."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return "network:other", "other networks"
    length = _IPV4_NETWORK if address.version == 4 else _IPV6_NETWORK
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    return f"network:{network}", f"network {network}"
