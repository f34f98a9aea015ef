"""What one upstream does and shows, as ``/status`` and the test of an upstream say it."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from keyhole.control.upstream_times import Condition, UpstreamTime, condition_of
from keyhole.model.engine_stats import UpstreamStats


class UpstreamCertificate(BaseModel):
    """What the certificate of an upstream says; it was checked before."""

    names: list[str] = Field(description="Names, addresses and SPIFFE IDs that it is for.")
    issuer: str = Field(description="Who issued it.")
    expires: datetime = Field(description="The last moment at which it is valid.")
    pin: str = Field(
        description="SHA-256 of its SubjectPublicKeyInfo in base64, as in pins of an Upstream."
    )


class UpstreamReport(BaseModel):
    """What one upstream does, as the engine of this machine sees it."""

    name: str = Field(description="The name of its document.")
    protocol: str = Field(description="doh, dot or tcp.")
    is_healthy: bool = Field(
        description="Whether it is asked in its order; one that is away, or refuses everything, is "
        "asked after the others until it answers again."
    )
    asked: int = Field(description="Queries that it was sent so far.")
    answered: int = Field(description="Answers so far, refusals among them.")
    refused: int = Field(description="Answers with the code REFUSED.")
    failed: dict[str, int] = Field(description="Attempts without an answer, by kind of error.")
    condition: Condition = Field(
        description="works, fails (is_healthy is false), or unknown: it has not been asked, or has "
        "not answered yet."
    )
    since: datetime | None = Field(
        description="Since when it is so, as control has seen it; null in a test of an upstream."
    )
    last_error: str | None = Field(description="What went wrong last, if anything has.")
    round_trip: float | None = Field(
        description="Moving average of its round trip in seconds; null before its first answer."
    )
    connections: int = Field(description="Connections to it that are open.")
    handshakes: int = Field(description="TLS handshakes so far.")
    certificate: UpstreamCertificate | None = Field(
        description="The certificate that it showed last; null before the first handshake, and "
        "without TLS."
    )


def upstream_report(one: UpstreamStats, known: UpstreamTime | None = None) -> UpstreamReport:
    """The counters and the state of one upstream."""
    return UpstreamReport(
        name=one["name"],
        protocol=one["protocol"],
        is_healthy=one["healthy"],
        asked=one["asked"],
        answered=one["answered"],
        refused=one["refused"],
        failed=one["failed"],
        condition=condition_of(one),
        since=datetime.fromtimestamp(known.since, UTC) if known else None,
        last_error=one["last_error"],
        round_trip=one["rtt"] or None,
        connections=one["connections"],
        handshakes=one["handshakes"],
        certificate=_certificate(one),
    )


def _certificate(one: UpstreamStats) -> UpstreamCertificate | None:
    shown = one.get("certificate")
    if shown is None:
        return None
    return UpstreamCertificate(
        names=shown["names"],
        issuer=shown["issuer"],
        expires=datetime.fromtimestamp(shown["expires"], UTC),
        pin=shown["pin"],
    )
