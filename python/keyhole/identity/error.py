"""Errors of certificates and keys."""

from collections.abc import Iterator
from contextlib import contextmanager

from keyhole.errors import KeyholeError


class IdentityError(KeyholeError):
    """A certificate or key is missing, unreadable, or not what it should be."""


class RequestError(IdentityError):
    """The client's request is malformed; repeating it does not help."""


class RefusedError(IdentityError):
    """The client's request is refused."""

    known = ""
    """The token or identity of the request, in words, if it has one that this Keyhole issued."""


@contextmanager
def refused_with(known: str) -> Iterator[None]:
    """Refusals in the block are those of a request with this token or identity."""
    try:
        yield
    except RefusedError as error:
        error.known = known
        raise


class TakenError(IdentityError):
    """There is a credential of that name already, which is not replaced unless that is wanted."""


class FolderInUseError(IdentityError):
    """Another process holds the folder of the authority and does not let go of it."""
