"""Errors of the database."""

from keyhole.errors import KeyholeError


class StoreError(KeyholeError):
    """The database cannot be opened, read or written, or its content is invalid."""
