"""Folders for the copies that a backup takes at one moment, in the clear."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from keyhole.control.backup.drafts import BACKUP, draft_beside, remove_stale_drafts
from keyhole.control.backup.error import BackupError

SCRATCH = ".files"
"""The end of the name of the folder beside a draft."""


@contextmanager
def scratch_within(data: Path) -> Iterator[Path]:
    """One in the data folder, which holds the same in the clear. A stick, a share or the folder of
    temporary files may keep what was removed. Raises `BackupError` where it cannot be made."""
    place = data / "copies"
    remove_stale_drafts(place, BACKUP)
    with ExitStack() as held:
        try:
            scratch = held.enter_context(draft_beside(place, BACKUP))
        except OSError as error:
            raise BackupError(
                f"cannot make a folder in {data}: {error.strerror}; an encrypted backup copies "
                "keys to no other place, so make room there or have it writable"
            ) from error
        yield scratch


@contextmanager
def scratch_beside(draft: Path | None) -> Iterator[Path]:
    """One beside the draft of a backup; of a pipe, among temporary files. Raises ``OSError``."""
    if draft is None:
        with tempfile.TemporaryDirectory(prefix="keyhole-backup-") as folder:
            yield Path(folder)
        return
    scratch = draft.with_name(f"{draft.name}{SCRATCH}")
    scratch.mkdir(mode=0o700)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
