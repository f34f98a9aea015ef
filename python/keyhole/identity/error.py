"""What goes wrong with certificates and keys."""

from keyhole.errors import KeyholeError


class IdentityError(KeyholeError):
    """A certificate or key is missing, unreadable, or not what it should be."""


class RequestError(IdentityError):
    """What a client sent cannot be read; the same again will not help."""


class RefusedError(IdentityError):
    """What a client asked for is not granted."""
