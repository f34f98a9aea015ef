"""Exponential backoff after repeated failures, with bounded memory."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from keyhole.accounts.error import RateLimitedError

_MAX_KEYS = 16_384


@dataclass(frozen=True)
class BackoffPolicy:
    """After ``free`` failures the wait doubles from one second up to ``max_wait``; the count resets
    after ``reset_after`` without a failure (both in seconds)."""

    free: int
    max_wait: float
    reset_after: float


@dataclass
class _Failures:
    count: int
    last: float


class Backoff:
    """Failures by key, bounded in memory. Thread-safe.

    An attempt counts as failed from its start until it succeeds, so parallel attempts do not bypass
    the limit.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, keys: Iterable[tuple[str, BackoffPolicy]]) -> None:
        """Counts an attempt under all keys. Raises `RateLimitedError`, and counts nothing, if
        one of them has to wait."""
        attempts = list(keys)
        with self._lock:
            now = self._clock()
            wait = max(self._wait(key, policy, now) for key, policy in attempts)
            if wait > 0:
                raise RateLimitedError(int(wait) + 1)
            for key, _ in attempts:
                known = self._seen.pop(key, _Failures(0, now))
                self._seen[key] = _Failures(known.count + 1, now)
            while len(self._seen) > _MAX_KEYS:
                self._seen.popitem(last=False)

    def undo(self, keys: Iterable[str]) -> None:
        """Removes one successful attempt; other failures stay."""
        with self._lock:
            for key in keys:
                known = self._seen.get(key)
                if known is not None:
                    known.count -= 1
                    if known.count <= 0:
                        del self._seen[key]

    def forget(self, prefix: str) -> None:
        """Removes all keys with this prefix."""
        with self._lock:
            for key in [one for one in self._seen if one.startswith(prefix)]:
                del self._seen[key]

    def _wait(self, key: str, policy: BackoffPolicy, now: float) -> float:
        known = self._seen.get(key)
        if known is None:
            return 0.0
        if now - known.last > policy.reset_after:
            del self._seen[key]
            return 0.0
        over = known.count - policy.free
        if over < 0:
            return 0.0
        # 2.0**1024 overflows.
        delay = min(policy.max_wait, 2.0 ** min(over, 64))
        return known.last + delay - now
