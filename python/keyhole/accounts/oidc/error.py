"""What can go wrong between Keyhole and an identity provider."""

from keyhole.accounts.error import AccountError


class ProviderError(AccountError):
    """The provider cannot be reached, or says something that no provider says."""


class OidcLoginError(AccountError):
    """What the provider or the browser showed does not vouch for anybody; ``name`` is whose login
    failed, as far as the provider really said it."""

    def __init__(self, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name
