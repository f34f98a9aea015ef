"""The error of the lab."""

from keyhole.errors import KeyholeError


class LabError(KeyholeError):
    """A part of the lab cannot be started."""
