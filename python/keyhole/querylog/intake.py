"""Numbers the rows by when they were taken in, so that a later digest covers each of them once."""

import time
from collections.abc import Callable


class Intake:
    """The number that rows get now. Numbers only grow, also over restarts, a restored folder and a
    clock that is set back: they begin with Unix time."""

    def __init__(self, last: int = 0, clock: Callable[[], float] = time.time) -> None:
        """``last`` is the highest number that is closed already."""
        self._clock = clock
        self.number = max(last + 1, int(clock()))

    def close(self) -> int:
        """Ends the present number and begins the next one; returns the closed one. Call it while no
        rows are taken in."""
        closed = self.number
        self.number = max(closed + 1, int(self._clock()))
        return closed
