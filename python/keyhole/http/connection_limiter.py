"""Limits connections by client network, number and duration, before TLS begins."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyhole.http.closing import end
from keyhole.http.refused_handshakes import NotAdmittedError
from keyhole.model.address import Network, connection_key, is_within

HANDSHAKE_SECONDS = 5.0
CONNECTION_SECONDS = 20.0
CONNECTIONS = 512
CONNECTIONS_PER_ADDRESS = 128
NETWORK_REFUSED = "it is in none of the networks in clients"
"""Why a connection from another network is rejected."""
TOO_MANY = "too many connections are open"
_UNSERVED = "unserved"


@dataclass(frozen=True)
class ConnectionLimits:
    """``connections`` may be open in total, ``per_address`` from one address (IPv6: one /56),
    and never more than twice of what is free: however many come, the next one finds a place.

    ``unserved`` more may come from addresses outside the served networks, which get a refusal
    over HTTP. Each connection ends ``seconds`` after its handshake; ``None`` means no limit."""

    connections: int = CONNECTIONS
    per_address: int = CONNECTIONS_PER_ADDRESS
    unserved: int = 0
    seconds: float | None = CONNECTION_SECONDS


OnRejected = Callable[[str, str], None]
"""Called with the address of a rejected connection, and the reason."""


OnRefused = Callable[[str, BaseException], None]
"""Called with the address of a client that was not let in, and the error: one of its TLS handshake,
or ``NotAdmittedError``."""


class ConnectionLimiter:
    """The protocol factory of a listener: counts connections and accepts those within limits."""

    def __init__(
        self,
        networks: Sequence[Network],
        tls: ssl.SSLContext | None,
        inner: Callable[[], asyncio.Protocol],
        on_rejected: OnRejected,
        limits: ConnectionLimits | None = None,
        on_refused: OnRefused | None = None,
    ) -> None:
        self._networks = networks
        self._limits = limits or ConnectionLimits()
        self._tls = tls
        self._inner = inner
        self._on_rejected = on_rejected
        self._on_refused = on_refused
        self._open: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self) -> asyncio.Protocol:
        """The protocol of the next connection."""
        return _PendingConnection(self)

    def set_tls(self, tls: ssl.SSLContext) -> None:
        """Uses another TLS context for new connections."""
        self._tls = tls

    def admit(self, address: str) -> bool:
        """Counts a new connection; false if a limit does not allow it."""
        limits, key = self._limits, connection_key(address)
        per_key = limits.per_address
        if not is_within(address, self._networks):
            if not limits.unserved:
                return self._reject(address, NETWORK_REFUSED)
            # All unserved addresses share one count, so they cannot displace the served ones.
            key, per_key = _UNSERVED, limits.unserved
        free = limits.connections - self._open.total() + self._open[_UNSERVED]
        if key != _UNSERVED:
            per_key = min(per_key, 2 * free)
        if free <= 0 or self._open[key] >= per_key:
            return self._reject(address, TOO_MANY)
        self._open[key] += 1
        return True

    def _reject(self, address: str, why: str) -> bool:
        self._on_rejected(address, why)
        if self._on_refused is not None:
            self._on_refused(address, NotAdmittedError(why))
        return False

    def accept(self, transport: asyncio.Transport, address: str) -> None:
        """Serves an admitted connection: the TLS handshake first, then HTTP."""
        task = asyncio.get_running_loop().create_task(self._serve(transport, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, transport: asyncio.Transport, address: str) -> None:
        protocol = _CountedConnection(self._inner(), lambda: self._release(address))
        secure = await self._encrypt(transport, protocol, address)
        if secure is None:
            protocol.release()
            return
        protocol.connection_made(secure)
        if self._tls is None:
            secure.set_protocol(protocol)
            secure.resume_reading()
        if self._limits.seconds is not None:
            asyncio.get_running_loop().call_later(self._limits.seconds, end, secure)

    async def _encrypt(
        self, transport: asyncio.Transport, protocol: asyncio.Protocol, address: str
    ) -> asyncio.Transport | None:
        """The connection after its handshake; ``None`` if the handshake failed."""
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
        except (OSError, ssl.SSLError, asyncio.CancelledError) as error:
            transport.abort()
            if self._on_refused is not None:
                self._on_refused(address, error)
            return None

    def close(self) -> None:
        """Aborts the handshakes in progress."""
        for task in self._tasks:
            task.cancel()

    def _release(self, address: str) -> None:
        key = connection_key(address) if is_within(address, self._networks) else _UNSERVED
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]


class _PendingConnection(asyncio.Protocol):
    """A connection before its TLS handshake."""

    def __init__(self, limiter: ConnectionLimiter) -> None:
        self._limiter = limiter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        if peer is None or not self._limiter.admit(peer[0]):
            transport.abort()
            return
        # The next octets belong to the handshake, which does not read yet.
        transport.pause_reading()
        self._limiter.accept(transport, peer[0])


class _CountedConnection(asyncio.Protocol):
    """HTTP on a connection that counts until it ends.

    A client may send its request together with the last octets of the handshake. Data that arrives
    before ``connection_made`` is kept and delivered afterwards.
    """

    def __init__(self, inner: asyncio.Protocol, on_close: Callable[[], None]) -> None:
        self._inner = inner
        self._on_close = on_close
        self._is_counted = True
        self._is_connected = False
        self._early = bytearray()

    def release(self) -> None:
        """Stops counting the connection; only the first call has an effect."""
        if self._is_counted:
            self._is_counted = False
            self._on_close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._is_connected = True
        self._inner.connection_made(transport)
        if self._early:
            self._inner.data_received(bytes(self._early))
            self._early.clear()

    def data_received(self, data: bytes) -> None:
        if self._is_connected:
            self._inner.data_received(data)
        else:
            self._early += data

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._is_connected else None

    def pause_writing(self) -> None:
        if self._is_connected:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._is_connected:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.release()
        if self._is_connected:
            self._inner.connection_lost(exc)
