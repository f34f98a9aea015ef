"""Waits after repeated failures: of logins, tokens and enrollments. Bounded in memory."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_MAX_KEYS = 16_384


@dataclass(frozen=True)
class BackoffPolicy:
    """After ``free`` failures the wait doubles from ``first_wait`` up to ``max_wait``; the count
    resets after ``reset_after`` without a failure (all in seconds)."""

    free: int
    max_wait: float
    reset_after: float
    first_wait: float = 1.0


@dataclass
class _Failures:
    count: int
    last: float


class Backoff:
    """Failures by key. Thread-safe.

    With `begin` an attempt counts as failed from its start until `undo`, so parallel attempts do
    not bypass the limit. `wait` and `failed` are for attempts that cost nothing to try.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = _MAX_KEYS) -> None:
        self._clock = clock
        self._most = most
        self._seen: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, keys: Iterable[tuple[str, BackoffPolicy]]) -> int:
        """Counts an attempt under all keys; if one of them has to wait, counts nothing and gives
        the seconds."""
        attempts = list(keys)
        with self._lock:
            now = self._clock()
            wait = max(self._wait(key, policy, now) for key, policy in attempts)
            if wait > 0:
                return int(wait) + 1
            for key, _ in attempts:
                self._count(key, now)
            return 0

    def wait(self, key: str, policy: BackoffPolicy) -> int:
        """Seconds that a key has to wait; 0 if it need not."""
        with self._lock:
            left = self._wait(key, policy, self._clock())
            return int(left) + 1 if left > 0 else 0

    def failed(self, key: str, policy: BackoffPolicy) -> bool:
        """Counts a failure; true for the first of a series, which should be reported."""
        with self._lock:
            now = self._clock()
            self._wait(key, policy, now)  # forgets a series that is over
            return self._count(key, now) == 1

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

    def _count(self, key: str, now: float) -> int:
        known = self._seen.pop(key, _Failures(0, now))
        self._seen[key] = _Failures(known.count + 1, now)
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return known.count + 1

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
        delay = min(policy.max_wait, policy.first_wait * 2.0 ** min(over, 64))
        return known.last + delay - now
