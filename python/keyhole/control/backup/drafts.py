"""The folders in which a restore makes everything ready, beside the place where it will be."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keyhole.system.lock import hold, is_held


@contextmanager
def draft_beside(place: Path) -> Iterator[Path]:
    """A new folder that only this user can read, held as long as the block runs, and removed at its
    end. Raises ``OSError``."""
    draft = place.with_name(f".{place.name}.{secrets.token_hex(6)}.restore")
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


def remove_stale_drafts(place: Path) -> None:
    """Removes what killed restores left beside a place: they hold nothing that is not in a backup.
    Nobody holds such a folder any more."""
    pattern = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{12}}\.restore")
    with suppress(OSError):
        for one in place.parent.iterdir():
            if pattern.fullmatch(one.name) and not one.is_symlink() and not is_held(one):
                shutil.rmtree(one, ignore_errors=True)
