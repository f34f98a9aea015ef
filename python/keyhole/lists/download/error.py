"""The error of failed downloads."""

from keyhole.errors import KeyholeError


class DownloadError(KeyholeError):
    """A list could not be downloaded; its previous version stays in use."""
