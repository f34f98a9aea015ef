"""Clients as they are answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from keyhole.graph.model import OpenReason

ClientKind = Literal["identity", "token", "address", "network", "anonymous", "claimed", "uncounted"]
CertificateState = Literal["good", "expired", "revoked"]
NameSource = Literal["document", "dhcp", "hosts", "reverse"]
NAME_SOURCE = (
    "Who says that name: document (a Client document), dhcp (a lease file), hosts (a hosts file) "
    "or reverse (a reverse look-up). A learned name decides nothing: its client may have chosen it."
)
Share = Annotated[float, Field(ge=0, le=1)]


class PolicyChoice(BaseModel):
    """The policy that applies to a client now, and why."""

    name: str | None = Field(description="The policy; null if none applies, so it is refused.")
    subject: str | None = Field(
        description="The subject that chose it, as the policy wrote it; default for the policy "
        "without subjects, expired for an expired certificate."
    )
    why: str = Field(description="Why this subject decides, as a sentence.")
    origin: str | None = Field(description="The document of the policy: its file and line.")
    mode: str | None = Field(description="enforce or observe.")
    log: str | None = Field(description="full, anonymous or none.")


class ClientSummary(BaseModel):
    """One client: what proves who it is, what it asked, and which policy applies."""

    id: str = Field(
        description="Stays the same: a SPIFFE ID, token:NAME, an address or a network, "
        "anonymous:POLICY, claimed:SPIFFE-ID, or uncounted:WORD."
    )
    kind: ClientKind = Field(
        description="identity: known by certificate or mesh. token: by a token. address: by its "
        "network alone. network: declared, and nobody there has asked. anonymous: its policy or "
        "the age of its queries hides it. claimed: showed an identity that it did not prove. "
        "uncounted: queries without a row in the log."
    )
    label: str = Field(description="A short name.")
    value: str = Field(description="The SPIFFE ID, the name of the token, or the address.")
    client: str | None = Field(description="The Client document that names it; null for none.")
    client_name: str | None = Field(
        None,
        description="What it is called: by a document, else by a name that was learned and that "
        "its address had when it asked last; null for none.",
    )
    client_name_source: NameSource | None = Field(None, description=NAME_SOURCE)
    last_seen: datetime | None = Field(description="Its last query in the time span.")
    queries: int = Field(description="Its queries in the time span.")
    blocked: int = Field(description="Those of them that policy blocked.")
    refused: int = Field(description="Those of them that were refused or dropped.")
    blocked_share: Share = Field(description="Share that policy blocked.")
    encrypted_share: Share = Field(
        description="Share that was encrypted, of those where that is known."
    )
    authenticated_share: Share = Field(
        description="Share in which it proved who it is, of those where that is known."
    )
    unknown: int = Field(
        description="Queries of which is not known whether they were protected: those without a "
        "row in the log, but over a transport that may be encrypted."
    )
    reasons: list[OpenReason] = Field(
        description="Why queries were not encrypted or not authenticated; empty if all were."
    )
    policy: PolicyChoice | None = Field(
        description="The policy that applies now; null where the client is not known."
    )
    certificate_ends: datetime | None = Field(
        description="When its newest valid certificate of our authority ends; null without one."
    )
    revoked: datetime | None = Field(description="When its identity was revoked; null if not.")


class ClientList(BaseModel):
    """The clients of a time span, the busiest first, and those that are only declared."""

    items: list[ClientSummary] = Field(description="The clients of this page.")
    next: str | None = Field(None, description="Cursor of the next page; null on the last page.")
    since: datetime = Field(description="The start of the time span.")
    until: datetime = Field(description="The end of the time span, exclusive.")
    total: int = Field(description="The number of clients on all pages.")
    queries: int = Field(description="All queries in the time span.")
    left_out: int = Field(description="Queries of clients that are too many to be told apart.")


class ClientCertificate(BaseModel):
    """A certificate that our authority has issued."""

    serial: str = Field(description="Its serial number in hexadecimal.")
    issued: datetime = Field(description="When it was issued.")
    ends: datetime = Field(description="When it expires.")
    state: CertificateState = Field(description="good, expired or revoked.")
    how: str = Field(description="How it was issued.")


class AddressUse(BaseModel):
    """An address from which a client asked."""

    address: str = Field(description="The address.")
    queries: int = Field(description="Queries from there.")
    last_seen: datetime = Field(description="The last one.")


class NameCount(BaseModel):
    """A name that a client asked for."""

    name: str = Field(description="The name.")
    queries: int = Field(description="Queries for it.")
    withheld: int = Field(description="Those of them that were blocked or refused.")


class ActivityPoint(BaseModel):
    """Queries of one interval."""

    time: datetime = Field(description="The start of the interval.")
    by_outcome: dict[str, int] = Field(description="Queries by outcome.")


class ClientDetail(BaseModel):
    """All that is known of one client."""

    client: ClientSummary = Field(description="The client, as in the list.")
    since: datetime = Field(description="The start of the time span.")
    until: datetime = Field(description="The end of the time span, exclusive.")
    by_outcome: dict[str, int] = Field(description="Queries by outcome.")
    by_reason: dict[str, int] = Field(description="Queries by reason.")
    by_transport: dict[str, int] = Field(description="Queries by transport.")
    policies: dict[str, int] = Field(description="Queries by the policy that applied then.")
    names: list[NameCount] = Field(description="The names it asked for most.")
    addresses: list[AddressUse] = Field(description="From where it asked, the busiest first.")
    step: int = Field(description="The length of an interval, in seconds.")
    series: list[ActivityPoint] = Field(description="Its queries over time.")
    certificates: list[ClientCertificate] = Field(description="Its certificates, newest first.")
    tokens: list[str] = Field(description="Tokens of its Client document, or its own.")
    identities: list[str] = Field(description="Identities of its Client document, or its own.")
    networks: list[str] = Field(description="Networks of its Client document.")
