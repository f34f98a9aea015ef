"""Rate limit for repeated failures, by address and by what failed; bounded in memory."""

import time
from collections import OrderedDict
from collections.abc import Callable

from keyhole.model.address import rate_limit_key

FAILURES = 20
WINDOW_SECONDS = 60.0
_ADDRESSES = 4096


class Throttle:
    """Counts failures by address (IPv6: by /64, which usually belongs to one client).

    ``what`` keeps failures of several kinds apart, such as those of a route or a credential.
    """

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

    def wait(self, address: str, what: str = "") -> int:
        """Seconds until the failures are forgotten, if there were too many; else 0."""
        begun, count = self._seen.get(_key(address, what), (0.0, 0))
        left = begun + self._window - self._clock()
        return int(left) + 1 if count >= self._failures and left > 0 else 0

    def failed(self, address: str, what: str = "") -> bool:
        """Counts a failure; returns true for the first of a series, which should be reported."""
        key, now = _key(address, what), self._clock()
        begun, count = self._seen.pop(key, (now, 0))
        if now - begun > self._window:
            begun, count = now, 0
        self._seen[key] = (begun, count + 1)
        while len(self._seen) > _ADDRESSES:
            self._seen.popitem(last=False)
        return count == 0


def _key(address: str, what: str) -> str:
    return f"{rate_limit_key(address)}|{what}"
