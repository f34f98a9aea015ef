"""The part of the snapshot about clients: trusted authorities, and the policy of each client.

These types mirror ``crates/core/src/document/identity.rs``.
"""

from typing import Annotated

from pydantic import Field

from keyhole.model.field_types import Boundary

PolicyIndex = Annotated[int, Field(ge=0)]


class TrustDomain(Boundary):
    """One trust domain: PEM texts of its authorities and of its revocation lists."""

    name: str
    bundle: str
    crls: str
    origin: str


class RevokedCertificate(Boundary):
    """One certificate, by the trust domain that issued it and its serial number."""

    domain: str
    serial: str = Field(pattern="^[0-9a-f]+$")


class NotBefore(Boundary):
    """Certificates of an identity that begin before ``at`` (Unix time in seconds) are refused."""

    id: str
    at: int


class Revoked(Boundary):
    """Identities and certificates that are refused although their chain is valid."""

    identities: list[str]
    certificates: list[RevokedCertificate]
    not_before: list[NotBefore] = Field(default_factory=list)
    """Missing in snapshots of older versions."""


class Trust(Boundary):
    """Trusted authorities, and revoked certificates."""

    domains: list[TrustDomain]
    revoked: Revoked


class Identity(Boundary):
    """One identity, by its SPIFFE ID."""

    id: str
    client: str | None
    policy: PolicyIndex | None
    subject: str


class IdentityPrefix(Boundary):
    """All identities that begin with ``prefix`` and a slash."""

    prefix: str
    policy: PolicyIndex
    subject: str


class Token(Boundary):
    """One token, by its digest alone."""

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    client: str | None
    policy: PolicyIndex | None
    subject: str


class SubjectNetwork(Boundary):
    """One network."""

    network: str
    client: str | None
    policy: PolicyIndex | None
    subject: str


class Subjects(Boundary):
    """The policy of each subject; the most specific subject wins."""

    identities: list[Identity]
    below: list[IdentityPrefix]
    tokens: list[Token]
    networks: list[SubjectNetwork]
    expired: PolicyIndex | None


class Schedule(Boundary):
    """When a rule applies; ``begins`` and ``ends`` are minutes of the day."""

    days: list[Annotated[int, Field(ge=0, le=6)]]
    begins: Annotated[int, Field(ge=0, le=1439)]
    ends: Annotated[int, Field(ge=0, le=1439)]
    offsets: list[tuple[int, int]] = Field(min_length=1)
    words: str
