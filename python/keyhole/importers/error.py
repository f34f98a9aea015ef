"""Errors that end an import."""

from keyhole.errors import KeyholeError


class ImporterError(KeyholeError):
    """A file is not an export of the product, or exceeds a limit; nothing was written.

    The message may quote the file, so characters that are not printable are replaced.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(one if one.isprintable() else "?" for one in message))
