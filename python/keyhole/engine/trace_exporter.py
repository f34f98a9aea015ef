"""Traces: a thread takes what the core recorded, makes spans and sends them.

Queries never wait for it. While the receiver does not take traces, the short queue of the core
fills and what comes after is dropped; everything lost is counted.
"""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from keyhole import __version__
from keyhole.engine.launch import TraceExport
from keyhole.model.engine_stats import TraceExportStats
from keyhole.traces.exemplars import Exemplars
from keyhole.traces.record import TraceRecord, read_records

if TYPE_CHECKING:
    from keyhole.traces.exporter import OtlpExporter
    from keyhole.traces.spans import SpanFactory

TICK_SECONDS, MAX_TICK_SECONDS = 0.25, 1.0
"""How often recorded queries are taken, a share of the rate each time: less often at a low rate, as
many that are sent together take half of the time."""
MAX_PAUSE_SECONDS = 15.0
"""The longest pause after a failed attempt; the first one lasts a tick, and each doubles it."""
LAST = 256
"""Recorded queries that are sent at the end: all that wait in the core."""
END_SECONDS = 2.0
"""How long a receiver may delay the end of the engine."""

_SETTINGS_OF_OTHERS = "OTEL_"

Take = Callable[[int], bytes]
"""Takes at most so many recorded queries of each kind from the core."""


class TraceExporter:
    """Sends the traces of one engine."""

    def __init__(self, take: Take, export: TraceExport, notify: Callable[[str], None]) -> None:
        """``notify`` is called with one sentence when sending fails and when it works again."""
        self._take = take
        self._export = export
        self._notify = notify
        # The short queue must hold those of two ticks.
        self._tick = min(max(LAST / 2 / export.rate, TICK_SECONDS), MAX_TICK_SECONDS)
        self._most = max(1, round(export.rate * self._tick))
        self._ending = threading.Event()
        # A daemon, so that a receiver that hangs cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._pause = self._tick
        self._exported = 0
        self._lost = 0
        self._last_error: str | None = None
        self.exemplars = Exemplars()
        """Traces that the receiver has, for the histograms."""

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def end(self) -> None:
        """Sends what was recorded last. Call it after the engine has drained."""
        self._ending.set()
        self._thread.join(END_SECONDS)

    def counts(self) -> TraceExportStats:
        """What became of traces so far."""
        return {
            "endpoint": self._export.endpoint,
            "exported": self._exported,
            "lost": self._lost,
            "last_error": self._last_error,
        }

    def _run(self) -> None:
        try:
            exporter, factory = self._open()
        except (ImportError, ValueError, OSError) as error:
            self._fail(0, f"it cannot be used: {error}")
            return
        while not self._ending.wait(self._pause):
            self._send(exporter, factory, self._most)
        self._send(exporter, factory, LAST)
        exporter.close()

    def _open(self) -> "tuple[OtlpExporter, SpanFactory]":
        # Only our settings decide where names go and how much is said.
        for name in [one for one in os.environ if one.startswith(_SETTINGS_OF_OTHERS)]:
            del os.environ[name]
        # Imported here: it takes a while, and the engine is ready without.
        from keyhole.traces.exporter import OtlpExporter, Receiver
        from keyhole.traces.spans import SpanFactory

        receiver = Receiver(self._export.endpoint, self._export.headers, self._export.ca)
        return OtlpExporter(receiver), SpanFactory(self._export.service, __version__)

    def _send(self, exporter: "OtlpExporter", factory: "SpanFactory", most: int) -> None:
        from keyhole.traces.exporter import ExportError

        records = read_records(self._take(most))
        if not records:
            self._pause = self._tick
            return
        spans = factory.spans(records)
        try:
            rejected = exporter.send(spans)
        except ExportError as error:
            self._fail(len(records), str(error))
            return
        if rejected:
            # Which ones is not said; at the worst, each was in another trace.
            lost = min(rejected, len(records))
            self._fail(lost, f"it rejected {rejected} of {len(spans)} spans")
            self._exported += len(records) - lost
            return
        self._succeed(records)

    def _succeed(self, records: list[TraceRecord]) -> None:
        self._exported += len(records)
        self._pause = self._tick
        self.exemplars.add(records)
        if self._last_error is not None:
            self._last_error = None
            self._notify(f"traces are sent to {self._export.endpoint} again")

    def _fail(self, lost: int, why: str) -> None:
        self._lost += lost
        self._pause = min(self._pause * 2, MAX_PAUSE_SECONDS)
        if self._last_error is None:
            self._notify(
                f"traces are not taken by {self._export.endpoint} ({why}); queries are answered "
                "all the same, lost traces are counted, and it is tried again"
            )
        self._last_error = why
