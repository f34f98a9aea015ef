"""``keyhole.yaml`` as a whole, and its sections ``tls``, ``limits``, ``cache`` and ``log``.

Every key has a description and a default; a number has a unit and a range. The commented default
file and the JSON schema are made from these models.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from keyhole.config.sections.api import ApiSection
from keyhole.config.sections.client_certificates import ClientCertificatesSection
from keyhole.config.sections.client_names import ClientNamesSection
from keyhole.config.sections.database import DatabaseSection
from keyhole.config.sections.dnstap import DnstapSection
from keyhole.config.sections.downloads import DownloadsSection
from keyhole.config.sections.events import EventsSection
from keyhole.config.sections.health import HealthSection
from keyhole.config.sections.identity import EnrollmentSection, IdentitySection
from keyhole.config.sections.kiali import KialiSection
from keyhole.config.sections.kubernetes import KubernetesSection
from keyhole.config.sections.link import ControlSection, LinkSection
from keyhole.config.sections.listeners import AuthenticationSection, ListenSection, MeshSection
from keyhole.config.sections.pairs import both_or_none
from keyhole.config.sections.traces import TracesSection
from keyhole.model.address import NETWORK, Endpoint, Network, read_network
from keyhole.model.field_types import FLAG, FieldType, Section, count, error_at, text_of
from keyhole.model.name import SERVER_NAME
from keyhole.model.units import (
    DAY,
    GIB,
    HOUR,
    KIB,
    MIB,
    MINUTE,
    SECOND,
    milliseconds,
    octets,
    seconds,
)

MAX_WORKERS = 256
_DAY_SECONDS = DAY // SECOND


def read_workers(written: object) -> int | Literal["auto"]:
    """A number of worker threads, or ``auto``."""
    text = text_of(written).strip()
    if text == "auto":
        return "auto"
    try:
        number: int = count(1, MAX_WORKERS).read(text)
    except ValueError as error:
        raise ValueError(f"{error}, or auto") from None
    return number


WORKERS = FieldType(
    read_workers,
    {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": MAX_WORKERS}]},
    lambda value: value,
)


class TlsSection(Section):
    """The server certificate of DoT and DoH. Left out, Keyhole's own authority issues one."""

    certificate: str | None = Field(
        None,
        min_length=1,
        description="PEM file with the certificate chain, beside this file.",
        examples=["server.pem"],
    )
    key: str | None = Field(
        None,
        min_length=1,
        description="PEM file with the private key.",
        examples=["server-key.pem"],
    )
    names: tuple[Annotated[str, SERVER_NAME], ...] = Field(
        (),
        max_length=64,
        description="Names and addresses of this Keyhole for its clients, for the issued "
        "certificate. Addresses in listen need not be repeated.",
        examples=["dns.example.org"],
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        both_or_none(self, "certificate", "key")
        return self


class LimitsSection(Section):
    """Limits of one connection, of one client and of all together."""

    connections: Annotated[int, count(1, 1_000_000)] = Field(
        10_000, description="Open TCP, DoT and DoH connections, all together."
    )
    connections_per_client: Annotated[int, count(1, 1_000_000)] = Field(
        200,
        description="Open connections from one network: an IPv4 address, or a /56 of IPv6. Those "
        "of sidecars count for the identities that they name.",
    )
    connections_per_identity: Annotated[int, count(1, 1_000_000)] = Field(
        1_000, description="Open connections of one identity or token, wherever it comes from."
    )
    connections_unserved: Annotated[int, count(0, 1_000_000)] = Field(
        64,
        description="Open connections from all networks together that clients does not list; they "
        "have these places and no others, 8 for each network.",
    )
    new_connections_per_network: Annotated[int, count(1, 1_000_000)] = Field(
        500, description="Connections that one network may open in a second."
    )
    new_connections_per_identity: Annotated[int, count(1, 1_000_000)] = Field(
        500, description="Connections that one identity or token may open in a second."
    )
    queries_per_connection: Annotated[int, count(1, 10_000)] = Field(
        256, description="Unanswered queries on one connection; further ones are not read yet."
    )
    waiting: Annotated[int, count(1, 1_000_000)] = Field(
        10_000, description="Queries that wait for an upstream, all together; more are refused."
    )
    waiting_per_identity: Annotated[int, count(1, 1_000_000)] = Field(
        500, description="Those of one identity or token; more of it are refused as overloaded."
    )
    waiting_per_network: Annotated[int, count(1, 1_000_000)] = Field(
        1_000,
        description="Those from one network: an IPv4 address, or a /56 of IPv6. Clients without a "
        "credential share one part, clients with one another, and UDP without a cookie a third.",
    )
    streams_per_connection: Annotated[int, count(1, 10_000)] = Field(
        128, description="HTTP/2 streams at once on one connection."
    )
    open_requests: Annotated[int, count(1, 1_000_000)] = Field(
        20_000,
        description="Requests that stay open, all together: HTTP/2 streams whose body is not whole "
        "or whose answer is not taken, and the same over other transports. Never fewer than "
        "waiting.",
    )
    open_requests_per_identity: Annotated[int, count(1, 1_000_000)] = Field(
        1_000, description="Those of one identity or token."
    )
    open_requests_per_network: Annotated[int, count(1, 1_000_000)] = Field(
        2_000, description="Those from one network: an IPv4 address, or a /56 of IPv6."
    )
    idle_time: Annotated[int, milliseconds(SECOND, HOUR)] = Field(
        30 * SECOND, description="Time without a query after which a connection is closed."
    )
    read_time: Annotated[int, milliseconds(100, 5 * MINUTE)] = Field(
        5 * SECOND,
        description="Time for a TLS handshake, for an HTTP header or body, and for one whole "
        "message.",
    )
    write_time: Annotated[int, milliseconds(100, 5 * MINUTE)] = Field(
        10 * SECOND, description="Time in which a client must read what was written."
    )
    header_size: Annotated[int, octets(KIB, 64 * KIB)] = Field(
        8 * KIB, description="Maximum size of the headers of one HTTP request."
    )
    query_time: Annotated[int, milliseconds(100, MINUTE)] = Field(
        # Below the five seconds of dig and the C library, so that they receive the reason.
        4500,
        description="Time from the arrival of a query to its answer.",
    )
    udp_size: Annotated[int, octets(512, 4096)] = Field(
        1232, description="Maximum size of an answer over UDP; 1232B avoids fragments (RFC 9715)."
    )
    udp_allowance: Annotated[int, octets(0, 1024 * MIB)] = Field(
        64 * KIB,
        description="Octets a second over UDP to one network whose address nobody proved, of what "
        "answers have above 1.5 times their questions; four seconds of it at once. Further such "
        "answers get the flag TC, and the client asks again over TCP. 0B allows none.",
    )

    @model_validator(mode="after")
    def _one_is_no_more_than_all(self) -> Self:
        if self.connections_per_client > self.connections:
            raise error_at(
                "connections_per_client", "one client may not have more than connections"
            )
        return self


class CacheSection(Section):
    """How much the cache holds, and for how long."""

    size: Annotated[int, octets(MIB, 1024 * GIB)] = Field(
        64 * MIB, description="Memory for all answers together."
    )
    min_ttl: Annotated[int, seconds(0, _DAY_SECONDS)] = Field(
        0, description="Minimum time in the cache; with 0s the TTL alone counts."
    )
    max_ttl: Annotated[int, seconds(1, 7 * _DAY_SECONDS)] = Field(
        _DAY_SECONDS, description="Maximum time in the cache."
    )
    max_negative_ttl: Annotated[int, seconds(0, _DAY_SECONDS)] = Field(
        HOUR // SECOND,
        description="Maximum time in the cache of a negative answer (RFC 2308).",
    )
    failure_ttl: Annotated[int, seconds(1, 300)] = Field(
        5, description="Time in the cache of a failure (RFC 9520)."
    )
    stale: Annotated[int, seconds(0, 7 * _DAY_SECONDS)] = Field(
        _DAY_SECONDS,
        description="How long an expired answer is still used when every upstream fails; 0s for "
        "never (RFC 8767).",
    )
    prefetch: Annotated[bool, FLAG] = Field(
        True, description="Whether popular names are fetched again shortly before they expire."
    )

    @model_validator(mode="after")
    def _shortest_is_no_longer_than_longest(self) -> Self:
        if self.min_ttl > self.max_ttl:
            raise error_at("min_ttl", "the shortest time is longer than max_ttl")
        return self


class LogSection(Section):
    """The query log, log/queries.jsonl in the data folder, and the history made from it. The policy
    of the client decides how much of a query is written (spec.log)."""

    keep: Annotated[int, octets(0, 1024 * GIB)] = Field(
        64 * MIB,
        description="Maximum size of the query log; the oldest queries are removed first. 0B for "
        "no log, else at least 1MiB.",
    )

    history: Annotated[int, octets(0, 1024 * GIB)] = Field(
        2 * GIB,
        description="Maximum size of the searchable history: the queries of weeks, as Parquet "
        "files in log/history. 0B for none, else at least 1MiB.",
    )
    retention: Annotated[int, seconds(3600, 3650 * _DAY_SECONDS)] = Field(
        30 * _DAY_SECONDS, description="How long queries stay in the history."
    )
    statistics: Annotated[int, seconds(3600, 3650 * _DAY_SECONDS)] = Field(
        365 * _DAY_SECONDS,
        description="How long counts of removed queries are kept: totals by outcome, and the most "
        "frequent values. They take at most an eighth of history.",
    )
    anonymize_after: Annotated[int, seconds(3600, 3650 * _DAY_SECONDS)] | None = Field(
        None,
        description="Age after which clients are removed from the history and its counts, as with "
        "log: anonymous in a policy. It is done once a day. Left out: never. The query log itself "
        "is bounded by keep alone.",
        examples=["7d"],
    )

    evidence: Annotated[bool, FLAG] = Field(
        True,
        description="Whether each hour of the history is recorded in the evidence chain, by "
        "digests, with the head of the audit record. It takes some 6 MB a year, which stay.",
    )

    @field_validator("keep", "history")
    @classmethod
    def _is_worth_it(cls, value: int) -> int:
        if 0 < value < MIB:
            raise ValueError("so small a log holds almost nothing; give 0B for none, or 1MiB")
        return value


class Config(Section):
    """``keyhole.yaml``: the settings of one Keyhole. Every key may be left out."""

    role: Literal["resolver", "forwarder"] = Field(
        "resolver",
        description="resolver answers clients; forwarder answers resolvers and asks the upstreams.",
    )
    listen: ListenSection = Field(default_factory=ListenSection)
    clients: tuple[Annotated[Network, NETWORK], ...] = Field(
        (read_network("127.0.0.0/8"), read_network("::1/128")),
        max_length=10_000,
        description="Networks that are served. All others get no answer over UDP, and REFUSED over "
        "the other transports.",
    )
    authentication: AuthenticationSection = Field(default_factory=AuthenticationSection)
    client_certificates: ClientCertificatesSection = Field(
        default_factory=ClientCertificatesSection
    )
    mesh: MeshSection = Field(default_factory=MeshSection)
    tls: TlsSection = Field(default_factory=TlsSection)
    identity: IdentitySection = Field(default_factory=IdentitySection)
    enrollment: EnrollmentSection = Field(default_factory=EnrollmentSection)
    downloads: DownloadsSection = Field(default_factory=DownloadsSection)
    api: ApiSection = Field(default_factory=ApiSection)
    documents: str = Field(
        "documents",
        min_length=1,
        description="Folder (or file) with the documents, beside this file; it is watched.",
    )
    kubernetes: KubernetesSection = Field(default_factory=KubernetesSection)
    database: DatabaseSection = Field(default_factory=DatabaseSection)
    workers: Annotated[int | Literal["auto"], WORKERS] = Field(
        "auto", description=f"Worker threads, 1 to {MAX_WORKERS}; auto is one per processor."
    )
    limits: LimitsSection = Field(default_factory=LimitsSection)
    cache: CacheSection = Field(default_factory=CacheSection)
    log: LogSection = Field(default_factory=LogSection)
    client_names: ClientNamesSection = Field(default_factory=ClientNamesSection)
    dnstap: DnstapSection = Field(default_factory=DnstapSection)
    events: EventsSection = Field(default_factory=EventsSection)
    health: HealthSection = Field(default_factory=HealthSection)
    kiali: KialiSection = Field(default_factory=KialiSection)
    traces: TracesSection = Field(default_factory=TracesSection)
    link: LinkSection = Field(default_factory=LinkSection)
    control: ControlSection = Field(default_factory=ControlSection)

    def admits_networks(self, transport: str, listener: Endpoint) -> bool:
        """Whether a listener serves a client without credentials, by its network."""
        # Behind a sidecar, the network is that of the sidecar and not of its client.
        if transport == "doh_cleartext" and self.mesh.trust_domains:
            return self.authentication.doh_cleartext == "permissive"
        return self.authentication.admits_networks(transport, listener)
