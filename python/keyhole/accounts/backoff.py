"""Slows down whoever fails again and again, and never forgets in favor of an attacker."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from keyhole.accounts.error import RateLimitedError

_MAX_KEYS = 16_384


@dataclass(frozen=True)
class BackoffPolicy:
    """So many failures are free; then the wait doubles from one second up to the longest one, and
    all is forgotten after a time without any failure (both in seconds)."""

    free: int
    longest: float
    forgotten: float


@dataclass
class _Failures:
    count: int
    last: float


class Backoff:
    """Failures by key, bounded in memory. Safe to use from several threads.

    An attempt counts as failed from its beginning until it is known to be good, so a hundred at
    once are no way around it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, keys: Iterable[tuple[str, BackoffPolicy]]) -> None:
        """Counts an attempt under all keys; raises `RateLimitedError`, and counts nothing, where one
        of them has to wait."""
        paced = list(keys)
        with self._lock:
            now = self._clock()
            wait = max(self._wait(key, pace, now) for key, pace in paced)
            if wait > 0:
                raise RateLimitedError(int(wait) + 1)
            for key, _ in paced:
                known = self._seen.pop(key, _Failures(0, now))
                self._seen[key] = _Failures(known.count + 1, now)
            while len(self._seen) > _MAX_KEYS:
                self._seen.popitem(last=False)

    def undo(self, keys: Iterable[str]) -> None:
        """Takes back one attempt that turned out good; what others failed stays."""
        with self._lock:
            for key in keys:
                known = self._seen.get(key)
                if known is not None:
                    known.count -= 1
                    if known.count <= 0:
                        del self._seen[key]

    def forget(self, prefix: str) -> None:
        """Forgets all keys that begin so."""
        with self._lock:
            for key in [one for one in self._seen if one.startswith(prefix)]:
                del self._seen[key]

    def _wait(self, key: str, pace: BackoffPolicy, now: float) -> float:
        known = self._seen.get(key)
        if known is None:
            return 0.0
        if now - known.last > pace.forgotten:
            del self._seen[key]
            return 0.0
        over = known.count - pace.free
        if over < 0:
            return 0.0
        # 2.0**1024 is no number any more.
        delay = min(pace.longest, 2.0 ** min(over, 64))
        return known.last + delay - now
