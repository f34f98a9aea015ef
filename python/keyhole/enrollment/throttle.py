"""Rate limit for addresses with repeated failures; bounded in memory."""

import time
from collections import OrderedDict
from collections.abc import Callable

from keyhole.model.address import rate_limit_key

FAILURES = 20
WINDOW_SECONDS = 60.0
_ADDRESSES = 4096


class Throttle:
    """Counts failures by address (IPv6: by /64, which usually belongs to one client)."""

    def __init__(
        self,
        failures: int = FAILURES,
        window: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures = failures
        self._window = window
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Seconds until the address may send requests again; 0 if it may now."""
        begun, count = self._seen.get(rate_limit_key(address), (0.0, 0))
        left = begun + self._window - self._clock()
        return int(left) + 1 if count >= self._failures and left > 0 else 0

    def failed(self, address: str) -> bool:
        """Counts a failure; returns true for the first of a series, which should be reported."""
        key, now = rate_limit_key(address), self._clock()
        begun, count = self._seen.pop(key, (now, 0))
        if now - begun > self._window:
            begun, count = now, 0
        self._seen[key] = (begun, count + 1)
        while len(self._seen) > _ADDRESSES:
            self._seen.popitem(last=False)
        return count == 0
