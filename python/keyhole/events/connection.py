"""A connection of syslog, and whether its other end has what was written."""

import asyncio
import fcntl
import socket
import ssl
import sys
import termios
from contextlib import suppress

DEAD_SECONDS = 30
"""A peer that confirms nothing for so long is gone."""
_PROBE_SECONDS = 10
_REFUSAL_SECONDS = 0.5
"""How long a receiver has to refuse a certificate after the handshake."""
_LOOK_SECONDS = 0.002, 0.1
"""How soon after a write it is looked whether all is confirmed, and how far apart later looks
are."""
_ESTABLISHED = 1
"""A state of Linux (``tcp_states.h``): neither end has closed."""


class Connection:
    """One connection, open. For one event loop."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: asyncio.Transport
    ) -> None:
        """``raw`` is what lies below TLS."""
        self._writer = writer
        self._raw = raw
        self.ended_at: float | None = None
        """When its end was seen, by the clock of the loop."""
        self._end = asyncio.create_task(self._see_end(reader))

    @property
    def is_open(self) -> bool:
        """Whether nothing says yet that it has ended."""
        return not self._end.done() and not self._writer.is_closing()

    async def see_refusal(self) -> None:
        """Waits a moment for an alert; raises ``OSError`` where there is one, or the end."""
        await asyncio.wait([self._end], timeout=_REFUSAL_SECONDS)
        self._check()

    async def write(self, octets: bytes) -> None:
        """Returns once the other end has confirmed all octets (RFC 9293 section 3.4); raises
        ``OSError``."""
        self._check()
        self._writer.write(octets)
        await self._writer.drain()
        wait, longest = _LOOK_SECONDS
        while not self._is_confirmed():
            await asyncio.sleep(wait)
            wait = min(2 * wait, longest)
            self._check()

    async def close(self) -> None:
        """Ends it."""
        self._end.cancel()
        await asyncio.gather(self._end, return_exceptions=True)
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    def _is_confirmed(self) -> bool:
        if self._writer.transport.get_write_buffer_size() or self._raw.get_write_buffer_size():
            return False
        found: socket.socket = self._raw.get_extra_info("socket")
        if found.fileno() < 0:
            raise _ended()
        if sys.platform != "linux":
            return True  # what other systems say of it differs
        left = fcntl.ioctl(found.fileno(), termios.TIOCOUTQ, b"\0" * 4)  # SIOCOUTQ of tcp(7)
        # A reset empties the queue, too, so the state is read after it.
        if found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED:
            raise _ended()
        return not any(left)

    def _check(self) -> None:
        if self._end.done():
            self._end.result()
        if not self.is_open:
            raise _ended()

    async def _see_end(self, reader: asyncio.StreamReader) -> None:
        try:
            # Syslog has no answers: what comes is not kept, so that the end behind it is seen.
            while await reader.read(4_096):
                pass
        finally:
            self.ended_at = asyncio.get_running_loop().time()
        raise _ended()


async def connect(host: str, port: int, context: ssl.SSLContext | None) -> Connection:
    """A connection whose peer was verified; raises ``OSError``."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        raw = writer.transport
        assert isinstance(raw, asyncio.Transport)
        _watch_peer(raw.get_extra_info("socket"))
        if context is not None:
            # Begun apart from the connection, so that the transport below stays known.
            await writer.start_tls(context, server_hostname=host)
        # With 0 for both, asyncio's TLS pauses a writer whose buffer is empty, and does not wake
        # it again.
        writer.transport.set_write_buffer_limits(high=1, low=0)
    except BaseException:
        writer.close()
        raise
    found = Connection(reader, writer, raw)
    if context is not None:
        # A receiver that refuses our certificate says so after the handshake (TLS 1.3).
        try:
            await found.see_refusal()
        except BaseException:
            await found.close()
            raise
    return found


def _watch_peer(connected: socket.socket) -> None:
    """Has the system end a connection whose peer is gone (RFC 9293 section 3.8.4, RFC 5482)."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        tcp = socket.IPPROTO_TCP
        connected.setsockopt(tcp, socket.TCP_KEEPIDLE, _PROBE_SECONDS)
        connected.setsockopt(tcp, socket.TCP_KEEPINTVL, _PROBE_SECONDS)
        connected.setsockopt(tcp, socket.TCP_USER_TIMEOUT, DEAD_SECONDS * 1_000)


def _ended() -> OSError:
    return ConnectionResetError(0, "it ended the connection")
