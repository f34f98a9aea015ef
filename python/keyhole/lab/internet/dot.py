"""DNS over TLS or TCP: two octets of length before each message (RFC 7858, RFC 7766)."""

import asyncio
import socket
import struct

from keyhole.lab.internet.mode import Mode
from keyhole.lab.internet.service import Outgoing, Service


class StreamConnection(asyncio.Protocol):
    """One client connection; answers are sent in the order in which they are ready."""

    def __init__(self, service: Service, transport_name: str) -> None:
        self._service = service
        self._name = transport_name
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= 2:
            (length,) = struct.unpack_from("!H", self._received)
            if len(self._received) < 2 + length:
                return
            message = bytes(self._received[2 : 2 + length])
            del self._received[: 2 + length]
            self._question(message)

    def _question(self, message: bytes) -> None:
        outgoing = self._service.answer(message, self._name)
        mode = self._service.mode
        if outgoing is None or mode is Mode.CLOSE:
            if self._transport:
                self._transport.close()
        elif mode is not Mode.SILENT:
            asyncio.get_running_loop().call_later(outgoing.delay, self._send, outgoing)

    def _send(self, outgoing: Outgoing) -> None:
        if self._transport is None:
            return
        framed = struct.pack("!H", len(outgoing.octets)) + outgoing.octets
        if self._service.mode is Mode.RESET:
            reset_after(self._transport, framed[: len(framed) // 2])
        else:
            self._transport.write(framed)


def reset_after(transport: asyncio.Transport, octets: bytes) -> None:
    """Sends these octets, then resets the connection instead of closing it."""
    transport.write(octets)
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # A linger time of zero makes the system send RST instead of FIN.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
