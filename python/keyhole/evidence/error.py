"""The error of this package."""

from keyhole.errors import KeyholeError


class EvidenceError(KeyholeError):
    """Evidence cannot be written, read or checked; says why."""
