"""Facts about clients that are in no document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keyhole.model.address import Network
from keyhole.model.snapshot_identity import Revoked, Trust


def no_trust() -> Trust:
    """No certificate is accepted."""
    return Trust(domains=[], revoked=Revoked(identities=[], certificates=[]))


@dataclass(frozen=True)
class TrustContext:
    """Tokens, trust and listeners. What is none is unknown, and checks do not report it."""

    tokens: Mapping[str, str] | None = None
    """The SHA-256 of each token in lower-case hexadecimal, by name."""
    trust: Trust = field(default_factory=no_trust)
    """Our own authority, and revocations."""
    trusted_domains: frozenset[str] | None = None
    """Trust domains that need no document: of our own authority, and of the mesh."""
    admits_networks: bool | None = None
    """Whether a listener serves clients without credentials, by their network."""
    secrets: Path | None = None
    """The folder with the secrets that documents name; none where it is not known."""
    mesh_networks: Sequence[Network] | None = None
    """Networks in which a mesh encrypts what upstreams are sent in the clear."""
    forwarders: Sequence[str] = ()
    """Upstreams that learn the trace of a query, as traces.forwarders names them."""
    accepts_certificates: bool = True
    """False while the revocations cannot be read: then no certificate is accepted."""
