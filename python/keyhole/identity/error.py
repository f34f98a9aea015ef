"""Errors of certificates and keys."""

from keyhole.errors import KeyholeError


class IdentityError(KeyholeError):
    """A certificate or key is missing, unreadable, or not what it should be."""


class RequestError(IdentityError):
    """The client's request is malformed; repeating it does not help."""


class RefusedError(IdentityError):
    """The client's request is refused."""


class TakenError(IdentityError):
    """There is a credential of that name already, which is not replaced unless that is wanted."""


class FolderInUseError(IdentityError):
    """Another process holds the folder of the authority and does not let go of it."""
