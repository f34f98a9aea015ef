"""Errors of the login through an identity provider."""

from keyhole.accounts.error import AccountError


class ProviderError(AccountError):
    """The provider cannot be reached, or its response is malformed."""


class OidcLoginError(AccountError):
    """The provider or the browser proved no valid login; ``name`` is the person's name, if the
    provider authenticated one."""

    def __init__(self, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name
