"""The part of the snapshot that says who asks: whom to believe, and which policy speaks for whom.

These types mirror ``crates/core/src/document/identity.rs``.
"""

from typing import Annotated

from pydantic import Field

from keyhole.model.written import Boundary

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


class Revoked(Boundary):
    """What is refused though its chain is good."""

    identities: list[str]
    certificates: list[RevokedCertificate]


class Trust(Boundary):
    """Whose certificates are believed, and which of them no longer."""

    domains: list[TrustDomain]
    revoked: Revoked


class Identity(Boundary):
    """One identity, by its SPIFFE ID."""

    id: str
    client: str | None
    policy: PolicyIndex | None
    subject: str


class Below(Boundary):
    """Identities that go on after ``prefix`` with a slash."""

    prefix: str
    policy: PolicyIndex
    subject: str


class Token(Boundary):
    """One token, known by its digest alone."""

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
    """Which policy speaks for whom; the most specific subject wins."""

    identities: list[Identity]
    below: list[Below]
    tokens: list[Token]
    networks: list[SubjectNetwork]
    expired: PolicyIndex | None


class Schedule(Boundary):
    """When a rule acts; ``begins`` and ``ends`` are minutes of the day."""

    days: list[Annotated[int, Field(ge=0, le=6)]]
    begins: Annotated[int, Field(ge=0, le=1439)]
    ends: Annotated[int, Field(ge=0, le=1439)]
    offsets: list[tuple[int, int]] = Field(min_length=1)
    words: str
