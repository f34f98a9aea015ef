"""Errors of backup and restore."""

from keyhole.control.error import ControlError


class BackupError(ControlError):
    """A backup cannot be written, or is damaged, foreign, of a newer version or not acceptable."""
