"""Why nothing could be verified."""

from keyhole.errors import KeyholeError


class VerifyError(KeyholeError):
    """The target cannot be attacked at all; the message says why."""


class SkippedError(Exception):
    """One check does not apply here; the message says why, as the end of "skipped: ..."."""
