"""The error of this package."""

from keyhole.errors import KeyholeError


class SendError(KeyholeError):
    """A receiver did not take events; says why.

    ``is_content``: it refuses what it was sent, so that the same again is no use.
    """

    def __init__(self, message: str, *, is_content: bool = False) -> None:
        super().__init__(message)
        self.is_content = is_content
