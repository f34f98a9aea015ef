"""Who is told of changes as they happen: so many at the same time, and half of them for one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from keyhole.control.error import ControlError


class Listeners:
    """The open streams by their callers. Call it on one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = most // 2
        self._open = Counter[str]()

    def check(self, who: str) -> None:
        """Raises ``ControlError`` if there is no room for one more of this caller: nobody may keep
        all others out."""
        if self._open.total() >= self._most:
            raise ControlError(f"{self._most} clients listen already; try again later")
        if self._open[who] >= self._most_of_one:
            raise ControlError(
                f"{who} listens {self._most_of_one} times already, which is as often as one may; "
                "close another page or command"
            )

    @contextmanager
    def place(self, who: str) -> Iterator[None]:
        """Takes a place as long as the block runs; raises as `check`, whose answer may be old."""
        self.check(who)
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]
