"""Why the lab cannot run."""

from keyhole.errors import KeyholeError


class LabError(KeyholeError):
    """A part of the lab cannot be started."""
