"""What goes wrong with certificates and keys."""

from keyhole.errors import KeyholeError


class IdentityError(KeyholeError):
    """A certificate or key is missing, unreadable, or not what it should be."""
