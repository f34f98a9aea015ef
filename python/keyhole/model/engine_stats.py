"""What an engine counts, as the core's ``stats()`` says it; times are in seconds.

``tests/contract/golden/stats.json`` is one whole document. A word (reason, counter, outcome) is one
of the core's catalogue.
"""

from typing import NotRequired, TypedDict

CountsByReason = dict[str, dict[str, int]]
"""By transport and reason."""


class EarlierCounts(TypedDict):
    """What engines before this one counted in the same memory."""

    id: str
    """Tells that memory from any other."""
    queries: CountsByReason
    unlogged: CountsByReason


class DurationHistogram(TypedDict):
    """How many durations fell into each bucket."""

    buckets: list[tuple[float | None, int]]
    """Upper edge (``None`` for the last one) and the count of this bucket alone."""
    sum: float


class Durations(TypedDict):
    """How long queries took from their arrival to their end."""

    answered_here: DurationHistogram
    waited: DurationHistogram


class CacheStats(TypedDict):
    """What the cache holds, and which questions are on their way to an upstream."""

    octets: int
    entries: int
    under_way: int


class UpstreamCertificate(TypedDict):
    """What the certificate of an upstream says; it was checked before."""

    names: list[str]
    """Names, addresses and SPIFFE IDs that it is for."""
    issuer: str
    expires: int
    """The last second at which it is valid, in Unix time."""
    pin: str
    """SHA-256 of its SubjectPublicKeyInfo in base64, as in ``pins`` of an Upstream."""


class UpstreamStats(TypedDict):
    """One upstream, since it was first prepared."""

    name: str
    protocol: str
    asked: int
    answered: int
    refused: int
    failed: dict[str, int]
    flawed_messages: int
    handshakes: int
    connections: int
    rtt: float
    """Moving average of its round trip; 0 before its first answer."""
    round_trips: DurationHistogram
    healthy: bool
    last_error: str | None
    certificate: UpstreamCertificate | None
    """The one that it showed last; ``None`` before the first handshake, and without TLS."""


class HandshakeStats(TypedDict):
    """TLS handshakes of clients that ended."""

    with_certificate: int
    without_certificate: int
    failed: int
    """All that failed."""
    failures: dict[str, int]
    refused: dict[str, int]


class ConnectionStats(TypedDict):
    """Connections of clients: how they began, and why they were closed at once."""

    handshakes: HandshakeStats
    mesh: dict[str, int]
    closed: dict[str, int]


class QueryLogStats(TypedDict):
    """Events that the query log has, and those that it lost."""

    written: int
    lost: int


class TraceStats(TypedDict):
    """Queries recorded for traces, and those that found the queue full."""

    recorded: int
    limited: int


class TraceExportStats(TypedDict):
    """What became of traces on their way to the receiver."""

    endpoint: str
    exported: int
    lost: int
    last_error: str | None
    """Why the receiver does not take them; ``None`` while it does."""


class QueryCountStats(TypedDict):
    """How many queries have ended, and why."""

    queries: CountsByReason
    unlogged: CountsByReason
    """Those of ``queries`` that their policy keeps out of the query log."""
    earlier: EarlierCounts | None
    """``None`` for an engine whose counts end with its process."""


class EngineStats(QueryCountStats):
    """All that one engine counts; counters start at 0 with its process."""

    role: str
    uptime_s: int
    snapshot: int | None
    """The number of the snapshot in force; ``None`` while every query is refused."""
    durations: Durations
    totals: dict[str, int]
    waiting: int
    cache: CacheStats
    connections: ConnectionStats
    upstreams: list[UpstreamStats]
    dnssec_fault: str | None
    """Why no answer can be validated: the signatures of a trust anchor do not fit the clock, or its
    keys are not those that upstreams give."""
    traces: TraceStats | None
    """``None`` while traces are off."""
    log: NotRequired[QueryLogStats | None]
    """Added by the process of the engine, which writes the query log."""
    trace_export: NotRequired[TraceExportStats | None]
    """Added by the process of the engine, which sends traces."""
