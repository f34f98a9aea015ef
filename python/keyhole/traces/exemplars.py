"""Exemplars: for the buckets of the histograms, the trace of a query that fell into them."""

import threading
import time
from collections.abc import Sequence

from prometheus_client.samples import Exemplar

from keyhole.traces.record import TraceRecord

ANSWERED_HERE, WAITED = "answered_here", "waited"
_MICROS = 1_000_000


class Exemplars:
    """The newest one for each power of two of microseconds, which is finer than the buckets;
    thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, dict[int, Exemplar]] = {}
        """By histogram and power."""

    def add(self, records: Sequence[TraceRecord]) -> None:
        """Takes in queries whose traces the receiver has."""
        now = time.time()
        for record in records:
            which = WAITED if record["waited"] else ANSWERED_HERE
            self._add(which, record["trace"], record["seconds"], now)
            for one in record["exchanges"]:
                if one["seconds"] is not None and one["error"] is None:
                    self._add(_of_upstream(one["upstream"]), record["trace"], one["seconds"], now)

    def _add(self, which: str, trace: str, seconds: float, now: float) -> None:
        # The core counts whole microseconds.
        micros = int(seconds * _MICROS)
        exemplar = Exemplar({"trace_id": trace}, micros / _MICROS, now)
        with self._lock:
            self._found.setdefault(which, {})[micros.bit_length()] = exemplar

    def of(self, which: str) -> list[Exemplar]:
        """Those of ``answered_here`` and ``waited``."""
        with self._lock:
            return list(self._found.get(which, {}).values())

    def of_upstream(self, name: str) -> list[Exemplar]:
        """Those of the round trips to an upstream."""
        return self.of(_of_upstream(name))


def _of_upstream(name: str) -> str:
    return f"upstream {name}"
