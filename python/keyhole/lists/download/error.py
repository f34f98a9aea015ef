"""Why a list could not be downloaded."""

from keyhole.errors import KeyholeError


class DownloadError(KeyholeError):
    """A list could not be downloaded; what is there of it stays in use."""
