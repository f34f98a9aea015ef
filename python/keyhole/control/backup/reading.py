"""Opens what goes into a backup."""

from io import BufferedReader
from pathlib import Path

from keyhole.control.backup.error import BackupError
from keyhole.system.regular_file import open_regular


def open_member(path: Path) -> BufferedReader | None:
    """The open file; none where it was removed since its folder was read. Raises `BackupError` for
    one that cannot be read."""
    try:
        return open_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BackupError(
            f"cannot read {path}: {error.strerror}; call it as the user of Keyhole"
        ) from error
