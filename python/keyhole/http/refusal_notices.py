"""What the log says of clients that are refused: a client chooses how often it comes."""

import time
from collections.abc import Callable

SECONDS = 60.0
"""A reason is said again after this time."""
MAX_REASONS = 256
"""So many different reasons are said within this time."""


class RefusalNotices:
    """Says each reason at once, and not again within a minute."""

    def __init__(
        self, notify: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._notify = notify
        self._clock = clock
        self._said: dict[str, float] = {}

    def add(self, why: str) -> None:
        """A client was refused for this reason."""
        now = self._clock()
        self._said = {one: at for one, at in self._said.items() if now - at < SECONDS}
        if why not in self._said and len(self._said) < MAX_REASONS:
            self._said[why] = now
            self._notify(why)
