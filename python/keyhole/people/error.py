"""What can be refused to people."""

from keyhole.errors import KeyholeError


class PeopleError(KeyholeError):
    """An account, a session or a token cannot be made, changed or used."""


class NotBelievedError(PeopleError):
    """Somebody did not show that they are who they say; it is not told why."""


class CodeNeededError(PeopleError):
    """The password is right, and a code of the second factor is missing."""


class TooOftenError(PeopleError):
    """Too many attempts failed; ``seconds`` until the next one is heard."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts failed; try again in {seconds} seconds")
        self.seconds = seconds


class BusyError(PeopleError):
    """Too many passwords are being checked at once."""


class NoSuchError(PeopleError):
    """There is no account, session or token of that name."""


class TakenError(PeopleError):
    """The name is taken, or what was asked would leave nobody in charge."""
