"""HTTP/1.1 on connections from the network, with time limits for slow clients."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from keyhole.http.closing import end
from keyhole.http.protocol import HttpProtocol

HEADER_SECONDS = 10.0
WRITE_SECONDS = 30.0


class NetworkProtocol(HttpProtocol):
    """Ends a connection if its next request header is late, and aborts it if its client does not
    read."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._header = _TimeLimit(self.loop, HEADER_SECONDS)
        self._write = _TimeLimit(self.loop, WRITE_SECONDS)

    def connection_made(self, transport: Any) -> None:
        """Starts the time limit for the first request header."""
        super().connection_made(transport)
        self._header.begin(partial(end, transport))

    def data_received(self, data: bytes) -> None:
        """Keeps the time limit while a request header is incomplete. The middleware limits the
        time of a body."""
        super().data_received(data)
        # uvicorn declares that there is always a cycle, but before the first request there is none.
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self._header.begin(partial(end, self.transport))
        else:
            self._header.end()

    def pause_writing(self) -> None:
        """Starts the time limit for a client that does not read."""
        super().pause_writing()
        self._write.begin(self.transport.abort)

    def resume_writing(self) -> None:
        """Ends the time limit: the client reads again."""
        super().resume_writing()
        self._write.end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends all time limits."""
        self._header.end()
        self._write.end()
        super().connection_lost(exc)


class _TimeLimit:
    """A timer that calls ``over`` once, unless it ends before."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether the timer has begun and has not ended."""
        return self._timer is not None

    def begin(self, over: Callable[[], None]) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, over)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
