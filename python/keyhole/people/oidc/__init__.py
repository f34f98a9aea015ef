"""People for whom an identity provider vouches (OpenID Connect Core 1.0)."""

from keyhole.people.oidc.error import ProviderError, VouchError
from keyhole.people.oidc.flow import Begun, Oidc, Returned, Vouched
from keyhole.people.oidc.setup import OidcSetup

__all__ = ["Begun", "Oidc", "OidcSetup", "ProviderError", "Returned", "VouchError", "Vouched"]
