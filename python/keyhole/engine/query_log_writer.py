"""The query log: a thread takes events from the core and writes them to a file.

Queries never wait for it. If the disk fails, one warning is printed and events are counted as lost;
writing resumes automatically.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from keyhole.engine.launch import QueryLog
from keyhole.engine.own_queries import OwnQueries
from keyhole.engine.query_counts import QueryCounts
from keyhole.engine.rotating_file import RotatingFile
from keyhole.model.engine_stats import EngineStats, QueryLogStats

MAX_EVENTS = 8192
"""Events in one write."""
WAIT_SECONDS = 0.2
"""How long the thread waits for an event before it checks whether to stop."""
RETRY_SECONDS = 1.0
"""Pause between write attempts after a disk error."""
COUNT_SECONDS = 1.0
"""How often the counts are looked at while nothing is logged: a policy may log nothing."""
END_SECONDS = 2.0
"""How long a blocked disk may delay the end of the engine."""


class Events(Protocol):
    """The source of events: the core."""

    def take_events(self, most: int, seconds: float) -> bytes:
        """At most ``most`` JSON lines; waits at most ``seconds`` for the first one."""

    def stats(self) -> EngineStats:
        """All counters."""


class QueryLogWriter:
    """Writes the events of one engine into its query log."""

    def __init__(
        self,
        events: Events,
        log: QueryLog,
        notify: Callable[[str], None],
        outcomes: Mapping[str, str],
    ) -> None:
        """``notify`` is called with one sentence when writing fails and when it works again;
        ``outcomes`` are those of all reasons."""
        self._events = events
        self._query_counts = QueryCounts(log.path.parent, outcomes)
        self._file = RotatingFile(log.path, log.keep)
        self._own = OwnQueries(log.path.parent)
        self._notify = notify
        self._ending = threading.Event()
        # A daemon, so that a blocked disk cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name="query-log", daemon=True)
        self._is_failing = False
        self._retry_at = 0.0
        self._count_at = 0.0
        self._unreported = 0
        self.written = 0
        self.lost = 0

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def end(self) -> None:
        """Writes the remaining events. Call it after the engine has drained."""
        self._ending.set()
        self._thread.join(END_SECONDS)

    def counts(self) -> QueryLogStats:
        """How many events were written and lost."""
        return {"written": self.written, "lost": self.lost}

    def _run(self) -> None:
        while not self._ending.is_set():
            lines = self._events.take_events(MAX_EVENTS, WAIT_SECONDS)
            if lines or time.monotonic() >= self._count_at:
                self._count()
            self.write(lines)
        self._retry_at = 0.0  # the last chance to write
        self._count()
        while lines := self._events.take_events(MAX_EVENTS, 0):
            self._retry_at = 0.0
            self.write(lines)
        if self._unreported:
            self._notify(f"{self._unreported} events of the query log were lost")
        self._file.close()
        self._own.close()

    def _count(self) -> None:
        """Writes the counts, before the lines: a process that is killed in between leaves queries
        that are counted and have no line, and never the reverse."""
        self._count_at = time.monotonic() + COUNT_SECONDS
        self._query_counts.count(self._events.stats())
        if time.monotonic() >= self._retry_at:
            # Where the disk fails, ``write`` says so, and the next counts hold these.
            with suppress(OSError):
                self._query_counts.write()

    def write(self, lines: bytes) -> None:
        """Writes lines from the core, or counts their events as lost."""
        lines = self._own.separate(lines)
        if not lines:
            return
        self.lost += _lost_before(lines)
        if time.monotonic() < self._retry_at:
            self._count_lost(lines)
            return
        try:
            if self._unreported:
                self._append(json.dumps({"lost": self._unreported}).encode() + b"\n")
            reported, self._unreported = self._unreported, 0
            while lines:
                taken = self._file.append(lines)
                self.written += _events(lines[:taken])
                lines = lines[taken:]
        except OSError as error:
            self._count_lost(lines)
            self._fail(error)
            return
        if self._is_failing:
            self._is_failing = False
            self._notify(f"the query log is written again; {reported} events were lost")

    def _append(self, line: bytes) -> None:
        while not self._file.append(line):
            pass

    def _count_lost(self, lines: bytes) -> None:
        count = _events(lines)
        self.lost += count
        self._unreported += count + _lost_before(lines)

    def _fail(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._notify(
                f"the query log {self._file.path} cannot be written ({error.strerror}); queries "
                "are still answered, lost events are counted, and writing is tried every second"
            )
        self._retry_at = time.monotonic() + RETRY_SECONDS


def _events(lines: bytes) -> int:
    """How many events the lines hold."""
    return lines.count(b"\n") - (_lost_before(lines) > 0)


def _lost_before(lines: bytes) -> int:
    """The number of lost events that the core reports in the last line."""
    last = lines[lines.rfind(b"\n", 0, -1) + 1 :]
    lost: int = json.loads(last)["lost"] if last.startswith(b'{"lost":') else 0
    return lost
