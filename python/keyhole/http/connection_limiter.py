"""Who may connect at all, how many at once, and for how long: decided before TLS begins."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyhole.model.address import Network, is_within, rate_limit_key

HANDSHAKE_SECONDS = 5.0
CONNECTION_SECONDS = 20.0
CONNECTIONS = 512
CONNECTIONS_PER_ADDRESS = 128
_STRANGERS = "strangers"


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections may be open, all together and from one address (IPv6: one /64); how
    many by addresses that are not served, which only hear that; and after how many seconds each
    ends, whatever it does."""

    connections: int = CONNECTIONS
    per_address: int = CONNECTIONS_PER_ADDRESS
    strangers: int = 0
    seconds: float | None = CONNECTION_SECONDS


OnRejected = Callable[[str, str], None]
"""Hears of an address that was turned away, and why."""


class ConnectionLimiter:
    """Counts connections, and makes the protocol of each one that may come in."""

    def __init__(
        self,
        networks: Sequence[Network],
        tls: ssl.SSLContext | None,
        inner: Callable[[], asyncio.Protocol],
        turned: OnRejected,
        bounds: ConnectionLimits | None = None,
    ) -> None:
        self._networks = networks
        self._bounds = bounds or ConnectionLimits()
        self._tls = tls
        self._inner = inner
        self._turned = turned
        self._open: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self) -> asyncio.Protocol:
        """The protocol of the next connection."""
        return _PendingConnection(self)

    def show(self, tls: ssl.SSLContext) -> None:
        """Has connections that begin from now on see another context."""
        self._tls = tls

    def may_enter(self, address: str) -> bool:
        """Counts a connection in, if its address is served and has not too many already."""
        bounds, place = self._bounds, rate_limit_key(address)
        most, of_one = bounds.connections, bounds.per_address
        if not is_within(address, self._networks):
            if not bounds.strangers:
                self._turned(address, "it is in none of the networks in clients")
                return False
            # All strangers are one, so that they take no room from those who are served.
            place, most, of_one = _STRANGERS, bounds.connections, bounds.strangers
        if self._open.total() >= most or self._open[place] >= of_one:
            self._turned(address, "too many connections are open")
            return False
        self._open[place] += 1
        return True

    def enter(self, transport: asyncio.Transport, address: str) -> None:
        """Lets a connection in: TLS first, then HTTP; it ends in time, whatever it does."""
        task = asyncio.get_running_loop().create_task(self._serve(transport, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, transport: asyncio.Transport, address: str) -> None:
        protocol = _CountedConnection(self._inner(), lambda: self._leave(address))
        secure = await self._encrypt(transport, protocol)
        if secure is None:
            protocol.leave()
            return
        protocol.connection_made(secure)
        if self._tls is None:
            secure.set_protocol(protocol)
            secure.resume_reading()
        if self._bounds.seconds is not None:
            asyncio.get_running_loop().call_later(self._bounds.seconds, secure.abort)

    async def _encrypt(
        self, transport: asyncio.Transport, protocol: asyncio.Protocol
    ) -> asyncio.Transport | None:
        """The connection after its handshake; none where the client left or failed."""
        if self._tls is None:
            return transport
        loop = asyncio.get_running_loop()
        try:
            return await loop.start_tls(
                transport,
                protocol,
                self._tls,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            transport.abort()
            return None

    def close(self) -> None:
        """Ends the handshakes that are under way."""
        for task in self._tasks:
            task.cancel()

    def _leave(self, address: str) -> None:
        place = rate_limit_key(address) if is_within(address, self._networks) else _STRANGERS
        self._open[place] -= 1
        if self._open[place] <= 0:
            del self._open[place]


class _PendingConnection(asyncio.Protocol):
    """The moment between a connection and its TLS handshake."""

    def __init__(self, door: ConnectionLimiter) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        if peer is None or not self._door.may_enter(peer[0]):
            transport.abort()
            return
        # What arrives now belongs to the handshake, which is not listening yet.
        transport.pause_reading()
        self._door.enter(transport, peer[0])


class _CountedConnection(asyncio.Protocol):
    """HTTP on a connection that is counted until it ends.

    A client may send its request together with the last octets of the handshake, before HTTP has
    heard of the connection: that is kept until then.
    """

    def __init__(self, inner: asyncio.Protocol, left: Callable[[], None]) -> None:
        self._inner = inner
        self._left = left
        self._is_in = True
        self._is_made = False
        self._early = bytearray()

    def leave(self) -> None:
        """Counts it out, once."""
        if self._is_in:
            self._is_in = False
            self._left()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._is_made = True
        self._inner.connection_made(transport)
        if self._early:
            self._inner.data_received(bytes(self._early))
            self._early.clear()

    def data_received(self, data: bytes) -> None:
        if self._is_made:
            self._inner.data_received(data)
        else:
            self._early += data

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._is_made else None

    def pause_writing(self) -> None:
        if self._is_made:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._is_made:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.leave()
        if self._is_made:
            self._inner.connection_lost(exc)
