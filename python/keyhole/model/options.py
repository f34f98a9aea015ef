"""The options of the engine, fixed at its start.

These types mirror ``crates/core/src/options.rs``; every default is resolved.
"""

from typing import Any, Final, Literal

from pydantic import Field

from keyhole.model.field_types import Boundary
from keyhole.model.service import ClientCertificates

OPTIONS_VERSION: Final = 1


class ListenOptions(Boundary):
    """Addresses with ports, by transport."""

    udp: list[str]
    tcp: list[str]
    dot: list[str]
    doh: list[str]
    doh_cleartext: list[str]
    mesh: list[str]
    doh_path: str


Authentication = Literal["auto", "strict", "permissive"]


class AuthenticationOptions(Boundary):
    """Authentication of clients, by transport; ``auto`` is permissive on loopback alone."""

    udp: Authentication
    tcp: Authentication
    dot: Authentication
    doh: Authentication
    doh_cleartext: Authentication


class ClientCertificateOptions(Boundary):
    """Whether clients are asked for a certificate: by transport, and the listeners and server names
    that differ."""

    dot: ClientCertificates
    doh: ClientCertificates
    listeners: dict[str, ClientCertificates]
    names: dict[str, ClientCertificates]


class MeshOptions(Boundary):
    """The sidecars that may name clients, and the trust domains of these."""

    peers: list[str]
    trust_domains: list[str]


class LimitOptions(Boundary):
    """Limits of one connection and of all together; ``_ms`` are milliseconds."""

    connections: int
    connections_per_client: int
    connections_per_identity: int
    connections_unserved: int
    new_connections_per_network: int
    new_connections_per_identity: int
    queries_per_connection: int
    waiting: int
    waiting_per_identity: int
    waiting_per_network: int
    streams_per_connection: int
    open_requests: int
    open_requests_per_identity: int
    open_requests_per_network: int
    idle_ms: int
    read_ms: int
    write_ms: int
    header_octets: int
    query_ms: int
    udp_octets: int
    udp_allowance: int


class CacheOptions(Boundary):
    """Size of the cache, and how long answers stay in it; times are seconds."""

    octets: int
    min_ttl: int
    max_ttl: int
    max_negative_ttl: int
    failure_ttl: int
    stale: int
    prefetch: bool


class TraceOptions(Boundary):
    """Which queries are recorded for traces; ``share`` is from 0 to 1. The upstreams in
    ``forwarders`` learn the trace of a query, and the SPIFFE IDs in ``resolvers`` are believed."""

    share: float = Field(ge=0, le=1)
    slow_ms: int
    forwarders: list[str]
    resolvers: list[str]


class Options(Boundary):
    """The whole document."""

    version: Literal[1] = OPTIONS_VERSION
    role: Literal["resolver", "forwarder"]
    workers: int = Field(ge=1, le=256)
    listen: ListenOptions
    clients: list[str]
    authentication: AuthenticationOptions
    client_certificates: ClientCertificateOptions
    mesh: MeshOptions
    names: list[str]
    events: int = Field(ge=0, le=1_048_576)
    limits: LimitOptions
    cache: CacheOptions
    own_mark: str = ""
    traces: TraceOptions | None = None

    def to_document(self) -> dict[str, Any]:
        """The JSON document as Python data."""
        return self.model_dump(mode="json")

    def to_json(self) -> bytes:
        """The JSON document as bytes; equal options give equal bytes."""
        return self.model_dump_json(indent=1).encode() + b"\n"
