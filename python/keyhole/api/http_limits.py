"""HTTP/1.1 on a connection from the network: whoever dawdles is cut off."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
WRITE_SECONDS = 30.0


class NetworkProtocol(H11Protocol):
    """Ends a connection whose next request does not come whole, or whose client does not read."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._header = _Limit(self.loop, HEADER_SECONDS)
        self._write = _Limit(self.loop, WRITE_SECONDS)

    def connection_made(self, transport: Any) -> None:
        """The first request has to come soon."""
        super().connection_made(transport)
        self._header.begin(transport.abort)

    def data_received(self, data: bytes) -> None:
        """Waits for the rest of a header, but not for long; how long a body may take is decided
        behind."""
        super().data_received(data)
        # uvicorn says that there is always a cycle; before the first request there is none.
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self._header.begin(self.transport.abort)
        else:
            self._header.end()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self._write.begin(self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._write.end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._header.end()
        self._write.end()
        super().connection_lost(exc)


class _Limit:
    """A time that begins once and may end before it is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has begun and is not over."""
        return self._timer is not None

    def begin(self, over: Callable[[], None]) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, over)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
