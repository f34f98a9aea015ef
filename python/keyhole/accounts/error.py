"""What can be refused to people."""

from keyhole.errors import KeyholeError


class AccountError(KeyholeError):
    """An account, a session or a token cannot be made, changed or used."""


class AuthenticationError(AccountError):
    """Somebody did not show that they are who they say; it is not told why."""


class CodeRequiredError(AccountError):
    """The password is right, and a code of the second factor is missing."""


class RateLimitedError(AccountError):
    """Too many attempts failed; ``seconds`` until the next one is heard."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts failed; try again in {seconds} seconds")
        self.seconds = seconds


class BusyError(AccountError):
    """Too many passwords are being checked at once."""


class NoSuchError(AccountError):
    """There is no account, session or token of that name."""


class ConflictError(AccountError):
    """The name is taken, or what was asked would leave nobody in charge."""
