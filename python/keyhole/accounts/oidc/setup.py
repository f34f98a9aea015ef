"""The settings of a provider, and the roles of its groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyhole.model.role import Role


@dataclass(frozen=True)
class OidcSetup:
    """``client_secret`` is ``None`` for a public client; ``roles`` maps groups to roles."""

    issuer: str
    client_id: str
    client_secret: str | None
    scopes: Sequence[str]
    groups_claim: str
    roles: Mapping[str, Role]

    @property
    def is_local(self) -> bool:
        """Whether the provider is on this machine and may be used without TLS."""
        return self.issuer.startswith("http://")

    @property
    def scope(self) -> str:
        """The ``scope`` parameter, which always includes ``openid``."""
        return " ".join(dict.fromkeys(["openid", *self.scopes]))
