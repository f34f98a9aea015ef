"""Shows commands that an engine runs, so that they do not take it for stopped."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from keyhole.system.lock import try_lock

FIRST_PAUSE, MAX_PAUSE = 0.05, 5.0
"""Seconds between two attempts to take the lock."""


class Presence:
    """A lock that the process holds as long as it runs.

    Somebody else may have it at the start: an engine that is ending, or a command that looks. So it
    is tried until it is there. Not needed to serve: a folder that cannot be written is no
    hindrance.
    """

    def __init__(self, lock: Path) -> None:
        self._path = lock
        self._ending = threading.Event()
        self._held: BinaryIO | None = None
        self._thread = threading.Thread(target=self._retry, name="presence", daemon=True)

    @property
    def is_shown(self) -> bool:
        """Whether it has the lock."""
        return self._held is not None

    def start(self) -> None:
        """Takes the lock, now or as soon as it is free."""
        if not self._take():
            self._thread.start()

    def end(self) -> None:
        """Releases the lock, or takes it no more."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._held is not None:
            self._held.close()
            self._held = None

    def _retry(self) -> None:
        pause = FIRST_PAUSE
        while not self._ending.wait(pause) and not self._take():
            pause = min(2 * pause, MAX_PAUSE)

    def _take(self) -> bool:
        with suppress(OSError):
            self._held = try_lock(self._path)
        return self._held is not None
