"""Waits of clients whose requests fail, by address and by what failed."""

import time
from collections.abc import Callable

from keyhole.model.address import rate_limit_key
from keyhole.system.backoff import Backoff, BackoffPolicy

FAILURES = 20
WAIT_SECONDS = 60.0
_ADDRESSES = 4096


class Throttle:
    """Counts failures by address (IPv6: by /64, which usually belongs to one client).

    ``what`` keeps failures of several kinds apart, such as those of a route or a credential.
    """

    def __init__(
        self, failures: int = FAILURES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._backoff = Backoff(clock, _ADDRESSES)
        self._policy = BackoffPolicy(
            failures, max_wait=WAIT_SECONDS, reset_after=WAIT_SECONDS, first_wait=WAIT_SECONDS
        )

    def wait(self, address: str, what: str = "") -> int:
        """Seconds until the failures are forgotten, if there were too many; else 0."""
        return self._backoff.wait(_key(address, what), self._policy)

    def failed(self, address: str, what: str = "") -> bool:
        """Counts a failure; returns true for the first of a series, which should be reported."""
        return self._backoff.failed(_key(address, what), self._policy)


def _key(address: str, what: str) -> str:
    return f"{rate_limit_key(address)}|{what}"
