"""What can go wrong before there is anything to report."""

from keyhole.errors import KeyholeError


class ImporterError(KeyholeError):
    """A file is not what it should be, or larger than any export is; nothing was written.

    What the file says may be in the message, so nothing in it can move a cursor.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(one if one.isprintable() else "?" for one in message))
