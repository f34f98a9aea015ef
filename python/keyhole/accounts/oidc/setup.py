"""What a provider is, and what its groups mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyhole.model.role import Role


@dataclass(frozen=True)
class OidcSetup:
    """``client_secret`` is none for a public client; ``roles`` says what each group may do."""

    issuer: str
    client_id: str
    client_secret: str | None
    scopes: Sequence[str]
    groups_claim: str
    roles: Mapping[str, Role]

    @property
    def is_local(self) -> bool:
        """Whether the provider is on this machine and may be asked without TLS."""
        return self.issuer.startswith("http://")

    @property
    def scope(self) -> str:
        """The scopes as they are asked for; ``openid`` makes it OpenID Connect at all."""
        return " ".join(dict.fromkeys(["openid", *self.scopes]))
