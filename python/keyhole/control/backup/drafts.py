"""Folders for the work of a restore or of a backup, which others cannot read."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keyhole.system.lock import hold, is_held

RESTORE, BACKUP = "restore", "backup"
"""Whose a folder is; the end of its name."""


@contextmanager
def draft_beside(place: Path, kind: str = RESTORE) -> Iterator[Path]:
    """A new folder beside a place that only this user can read, held as long as the block runs, and
    removed at its end. Raises ``OSError``."""
    draft = place.with_name(f".{place.name}.{secrets.token_hex(6)}.{kind}")
    draft.mkdir(mode=0o700)
    descriptor = None
    try:
        descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        hold(descriptor)
        yield draft
    finally:
        if descriptor is not None:
            os.close(descriptor)
        shutil.rmtree(draft, ignore_errors=True)


def remove_stale_drafts(place: Path, kind: str = RESTORE) -> None:
    """Removes what killed commands left beside a place: they hold nothing that is not elsewhere.
    Nobody holds such a folder any more."""
    pattern = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{12}}\.{kind}")
    with suppress(OSError):
        for one in place.parent.iterdir():
            if pattern.fullmatch(one.name) and not one.is_symlink() and not is_held(one):
                shutil.rmtree(one, ignore_errors=True)
