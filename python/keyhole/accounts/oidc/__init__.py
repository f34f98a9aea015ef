"""Login through an identity provider (OpenID Connect Core 1.0)."""

from keyhole.accounts.oidc.error import OidcLoginError, ProviderError
from keyhole.accounts.oidc.flow import (
    AuthorizationRequest,
    AuthorizationResponse,
    Oidc,
    OidcIdentity,
)
from keyhole.accounts.oidc.setup import OidcSetup

__all__ = [
    "AuthorizationRequest",
    "AuthorizationResponse",
    "Oidc",
    "OidcIdentity",
    "OidcLoginError",
    "OidcSetup",
    "ProviderError",
]
