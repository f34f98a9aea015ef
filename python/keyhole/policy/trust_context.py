"""What Keyhole knows beside the documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyhole.model.snapshot_identity import Revoked, Trust


def no_trust() -> Trust:
    """Nobody's certificate is believed."""
    return Trust(domains=[], revoked=Revoked(identities=[], certificates=[]))


@dataclass(frozen=True)
class TrustContext:
    """Tokens, trust and listeners; none where that is not known, so that nothing is said of it."""

    tokens: Mapping[str, str] | None = None
    """The SHA-256 of each token in lower-case hexadecimal, by name."""
    trust: Trust = field(default_factory=no_trust)
    """Our own authority, and what was revoked."""
    trusted_domains: frozenset[str] | None = None
    """Trust domains for which somebody vouches without a document: we ourselves, or a mesh."""
    admits_networks: bool | None = None
    """Whether a listener serves clients that show nothing, by their network."""
    accepts_certificates: bool = True
    """Whether any certificate may be believed: not so while what was revoked cannot be read."""
