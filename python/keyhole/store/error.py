"""What can go wrong with the database."""

from keyhole.errors import KeyholeError


class StoreError(KeyholeError):
    """The database cannot be opened, read or written, or holds what it must not."""
