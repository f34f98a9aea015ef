"""The query log: takes events out of the core and writes them down, in a thread of its own.

No answer waits for it. Where the disk takes nothing, that is said once, events are counted as lost,
and writing goes on by itself as soon as it can.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Protocol

from keyhole.engine.launch import QueryLog
from keyhole.engine.rotating_file import RotatingFile

MAX_EVENTS = 8192
"""Events in one write."""
WAIT_SECONDS = 0.2
"""How long the thread waits for an event before it looks whether it is to end."""
RETRY_SECONDS = 1.0
"""After trouble with the disk, nothing is written for so long."""
END_SECONDS = 2.0
"""How long a disk that hangs may delay the end of the engine."""


class Events(Protocol):
    """Where events come from: the core."""

    def take_events(self, most: int, seconds: float) -> bytes:
        """JSON lines, at most so many; waits at most so long for the first one."""


class QueryLogWriter:
    """Writes the events of one engine into its query log."""

    def __init__(self, events: Events, log: QueryLog, tell: Callable[[str], None]) -> None:
        """``tell`` hears of trouble and of its end, one sentence each."""
        self._events = events
        self._file = RotatingFile(log.path, log.keep)
        self._tell = tell
        self._ending = threading.Event()
        # A disk that hangs must not keep the process from its end.
        self._thread = threading.Worker(target=self._run, name="query-log", daemon=True)
        self._is_troubled = False
        self._retry_at = 0.0
        self._untold = 0
        self.written = 0
        self.lost = 0

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def end(self) -> None:
        """Writes what is left. Call it when the engine has drained, so that nothing follows."""
        self._ending.set()
        self._thread.join(END_SECONDS)

    def counts(self) -> dict[str, int]:
        """How many events were written and lost."""
        return {"written": self.written, "lost": self.lost}

    def _run(self) -> None:
        while not self._ending.is_set():
            self.write(self._events.take_events(MAX_EVENTS, WAIT_SECONDS))
        while lines := self._events.take_events(MAX_EVENTS, 0):
            self._retry_at = 0.0  # there is no later any more
            self.write(lines)
        if self._untold:
            self._tell(f"{self._untold} events of the query log were lost")
        self._file.close()

    def write(self, lines: bytes) -> None:
        """Writes lines as the core gave them, or counts their events as lost."""
        if not lines:
            return
        self.lost += _lost_before(lines)
        if time.monotonic() < self._retry_at:
            self._lose(lines)
            return
        try:
            if self._untold:
                self._append(json.dumps({"lost": self._untold}).encode() + b"\n")
            told, self._untold = self._untold, 0
            while lines:
                taken = self._file.append(lines)
                self.written += _events(lines[:taken])
                lines = lines[taken:]
        except OSError as error:
            self._lose(lines)
            self._trouble(error)
            return
        if self._is_troubled:
            self._is_troubled = False
            self._tell(f"the query log is written again; {told} events were lost")

    def _append(self, line: bytes) -> None:
        while not self._file.append(line):
            pass

    def _lose(self, lines: bytes) -> None:
        count = _events(lines)
        self.lost += count
        self._untold += count + _lost_before(lines)

    def _trouble(self, error: OSError) -> None:
        if not self._is_troubled:
            self._is_troubled = True
            self._tell(
                f"the query log {self._file.path} cannot be written ({error.strerror}); answers go "
                "on, what is lost is counted, and it is tried again every second"
            )
        self._retry_at = time.monotonic() + RETRY_SECONDS


def _events(lines: bytes) -> int:
    """How many events the lines hold."""
    return lines.count(b"\n") - (_lost_before(lines) > 0)


def _lost_before(lines: bytes) -> int:
    """What the core says it lost, in the last line if at all."""
    last = lines[lines.rfind(b"\n", 0, -1) + 1 :]
    lost: int = json.loads(last)["lost"] if last.startswith(b'{"lost":') else 0
    return lost
