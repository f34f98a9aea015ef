"""Errors of accounts, sessions and tokens."""

from keyhole.errors import KeyholeError


class AccountError(KeyholeError):
    """An account, a session or a token cannot be created, changed or used."""


class AuthenticationError(AccountError):
    """Authentication failed; the message does not say why."""


class CodeRequiredError(AccountError):
    """The password is correct, but the code of the second factor is missing."""


class RateLimitedError(AccountError):
    """Too many attempts failed; the next one is allowed in ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts failed; try again in {seconds} seconds")
        self.seconds = seconds


class BusyError(AccountError):
    """Too many passwords are being checked at once."""


class NoSuchError(AccountError):
    """There is no account, session or token of that name."""


class ConflictError(AccountError):
    """The name is taken, or the change would leave no administrator."""
