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
from keyhole.engine.rotating_file import RotatingFile, queries_in
from keyhole.engine.runtime import EventBatch
from keyhole.model.engine_stats import QueryCountStats, QueryLogStats

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

    def take_events(self, most: int, seconds: float) -> EventBatch:
        """At most ``most`` events; waits at most ``seconds`` for the first one."""

    def query_counts(self) -> QueryCountStats:
        """How many queries have ended."""


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
            batch = self._events.take_events(MAX_EVENTS, WAIT_SECONDS)
            if batch.lines or time.monotonic() >= self._count_at:
                self._count()
            self.write(batch)
        self._retry_at = 0.0  # the last chance to write
        self._count()
        while any(batch := self._events.take_events(MAX_EVENTS, 0)):
            self._retry_at = 0.0
            self.write(batch)
        if self._unreported:
            self._notify(f"{self._unreported} events of the query log were lost")
        self._file.close()
        self._own.close()

    def _count(self) -> None:
        """Writes the counts, before the lines: a process that is killed in between leaves queries
        that are counted and have no line, and never the reverse."""
        self._count_at = time.monotonic() + COUNT_SECONDS
        self._query_counts.count(self._events.query_counts())
        if time.monotonic() >= self._retry_at:
            # Where the disk fails, ``write`` says so, and the next counts hold these.
            with suppress(OSError):
                self._query_counts.write()

    def write(self, batch: EventBatch) -> None:
        """Writes a batch from the core, or counts its events as lost. What the core has counted is
        not counted again: that would take as long as writing the lines."""
        self._own.write(batch.own)
        if not batch.lines:
            return
        self.lost += batch.lost
        if time.monotonic() < self._retry_at:
            self._count_lost(batch.events, batch.lost)
            return
        lines, left = batch.lines, batch.events
        try:
            if self._unreported:
                self._append(json.dumps({"lost": self._unreported}).encode() + b"\n")
            reported, self._unreported = self._unreported, 0
            while lines:
                taken = self._file.append(lines, left)
                events = left if taken == len(lines) else queries_in(lines[:taken])
                self.written += events
                left -= events
                lines = lines[taken:]
        except OSError as error:
            self._count_lost(left, batch.lost)
            self._fail(error)
            return
        if self._is_failing:
            self._is_failing = False
            self._notify(f"the query log is written again; {reported} events were lost")

    def _append(self, line: bytes) -> None:
        while not self._file.append(line, 0):
            pass

    def _count_lost(self, events: int, lost_before: int) -> None:
        self.lost += events
        self._unreported += events + lost_before

    def _fail(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._notify(
                f"the query log {self._file.path} cannot be written ({error.strerror}); queries "
                "are still answered, lost events are counted, and writing is tried every second"
            )
        self._retry_at = time.monotonic() + RETRY_SECONDS
