"""Upstreams that keep to their protocol but make life hard for who asks them.

``Limits`` says how: connections that end after some answers, streams that are refused, connections
that end before any answer. What is answered follows ``tests.world.zone``.
"""

import asyncio
import math
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import dns.message
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from tests.world.certificates import Pair
from tests.world.upstream import Upstream
from tests.world.waiting import PATIENCE
from tests.world.zone import Zone

_FRAME = 16_384
_HEAD = [(":status", "200"), ("content-type", "application/dns-message")]
# The alert internal_error (RFC 8446 section 6).
_ALERT = bytes([21, 3, 3, 0, 2, 2, 80])
_Answer = Callable[[bytes, Any], None]


@dataclass
class Limits:
    """What an upstream does not do.

    ``per_connection`` answers end a connection, over HTTP/2 with GOAWAY. The first ``refused``
    streams are refused, -1 means all. ``refuse_every`` refuses each stream whose number it divides.
    A stream is refused by a reset for this ``reason``, or with a ``status`` of HTTP where there is
    one, and the header Retry-After. The first ``closed`` connections end at their first query, with
    none answered; the first ``unready`` ones before anything was said. TLS waits for ``begins``,
    and the first ``alerts`` handshakes end with an alert.

    Each query whose number ``silent_every`` divides gets no answer. With ``trickles`` each gets one
    octet of a message that never ends, with ``wrong_id`` an answer for another id. The first
    ``mute`` connections stay open and bring nothing any more after ``mute_after`` answers. Each
    answer comes after ``delay`` seconds.
    """

    per_connection: int = 0
    refused: int = 0
    refuse_every: int = 0
    closed: int = 0
    unready: int = 0
    begins: threading.Event | None = None
    alerts: int = 0
    silent_every: int = 0
    trickles: bool = False
    wrong_id: bool = False
    mute: int = 0
    mute_after: int = 0
    delay: float = 0
    status: int = 0
    retry_after: str = ""
    reason: h2.errors.ErrorCodes = h2.errors.ErrorCodes.REFUSED_STREAM


def _hold(begins: threading.Event, *_: object) -> None:
    """Holds up the handshake, and with it this upstream alone: it has a thread of its own."""
    begins.wait(PATIENCE)


@dataclass
class Counts:
    """What came of it."""

    received: int = 0
    refused: int = 0
    answered: int = 0


class Misbehaving(Upstream):
    """An upstream with limits; ``protocol`` is tcp, dot or doh."""

    def __init__(
        self, certificate: Pair, limits: Limits, *, protocol: str, zone: Zone | None = None
    ) -> None:
        super().__init__(certificate, zone=zone, protocol="doh" if protocol == "doh" else "dot")
        self.limits = limits
        self.counts = Counts()
        self.refused_names: list[str] = []
        self.protocol = protocol
        self._serve = self._serve_http if protocol == "doh" else self._serve_stream
        if protocol == "tcp":
            self._context = None
        self._behind: ssl.SSLContext | None = None
        if (begins := limits.begins) is not None and self._context is not None:
            self._context.sni_callback = partial(_hold, begins)
        if limits.unready or limits.alerts:
            # Such connections end before TLS begins, so that it is started by hand.
            self._behind, self._context = self._context, None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.limits.unready:
            self.limits.unready -= 1
            writer.transport.abort()
            return
        if self.limits.alerts:
            self.limits.alerts -= 1
            await reader.read(65536)
            writer.write(_ALERT)
            await writer.drain()
            writer.close()
            return
        if self._behind is not None:
            await writer.start_tls(self._behind)
        await super()._connected(reader, writer)

    def _reply(self, packet: bytes) -> list[bytes]:
        query = dns.message.from_wire(packet)
        self.messages.append(packet)
        self.questions.append(query.question[0].name.to_text())
        self.counts.answered += 1
        word = query.question[0].name.labels[0].decode().partition("-")[0]
        return self.zone.replies(word, query)

    def _is_to_end(self) -> bool:
        """Whether this connection ends at its first query."""
        if self.limits.closed:
            self.limits.closed -= 1
            return True
        return False

    async def _serve_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: _Answer
    ) -> None:
        answered, mute_from = 0, self._mute_from()
        while True:
            size = int.from_bytes(await reader.readexactly(2), "big")
            packet = await reader.readexactly(size)
            self.counts.received += 1
            if not answered and self._is_to_end():
                return
            if answered >= mute_from or self._is_silent():
                continue
            if self.limits.trickles:
                writer.write(b"\xff")
                continue
            for message in self._reply(packet):
                if self.limits.wrong_id:
                    message = bytes([message[0] ^ 1]) + message[1:]
                octets = len(message).to_bytes(2, "big") + message
                self._later(partial(writer.write, octets))
            answered += 1
            if answered == self.limits.per_connection:
                await writer.drain()
                return

    async def _serve_http(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: _Answer
    ) -> None:
        talk = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        talk.initiate_connection()
        writer.write(talk.data_to_send())
        bodies: dict[int, bytes] = {}
        answered, mute_from = 0, self._mute_from()
        while octets := await reader.read(65536):
            for event in talk.receive_data(octets):
                if isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                    talk.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    stream, self.counts.received = event.stream_id, self.counts.received + 1
                    if not answered and self._is_to_end():
                        return
                    body = bodies.pop(stream, b"")
                    if answered >= mute_from:
                        continue
                    if self.limits.delay:
                        self._later(partial(self._respond_late, talk, writer, stream, body))
                        continue
                    if not self._respond(talk, stream, body):
                        continue
                    answered += 1
                    if answered == self.limits.per_connection:
                        talk.close_connection(last_stream_id=stream)
                        writer.write(talk.data_to_send())
                        await writer.drain()
                        return
            writer.write(talk.data_to_send())

    def _respond(self, talk: h2.connection.H2Connection, stream: int, packet: bytes) -> bool:
        """Does with one request what the limits say; whether it was answered."""
        if self._is_silent():
            return False
        if self.limits.trickles:
            talk.send_headers(stream, _HEAD)
            talk.send_data(stream, b"\xff")
            return False
        if self._refuses():
            self.refused_names.append(dns.message.from_wire(packet).question[0].name.to_text())
            self._refuse(talk, stream)
            return False
        for message in self._reply(packet):
            talk.send_headers(stream, _HEAD)
            # Frames have at most 16,384 octets (RFC 9113 section 4.2).
            for at in range(0, len(message), _FRAME):
                talk.send_data(stream, message[at : at + _FRAME])
            talk.end_stream(stream)
        return True

    def _respond_late(
        self,
        talk: h2.connection.H2Connection,
        writer: asyncio.StreamWriter,
        stream: int,
        packet: bytes,
    ) -> None:
        # The other side may have taken the query back.
        with suppress(h2.exceptions.StreamClosedError):
            self._respond(talk, stream, packet)
        writer.write(talk.data_to_send())

    def _later(self, call: Callable[[], None]) -> None:
        if self.limits.delay:
            self._loop.call_later(self.limits.delay, call)
        else:
            call()

    def _mute_from(self) -> float:
        """The number of answers after which the newest connection brings nothing any more."""
        is_mute = self.connections <= self.limits.mute
        return self.limits.mute_after if is_mute else math.inf

    def _is_silent(self) -> bool:
        """Whether this query gets no answer."""
        every = self.limits.silent_every
        return every > 0 and self.counts.received % every == 0

    def _refuse(self, talk: h2.connection.H2Connection, stream: int) -> None:
        if not self.limits.status:
            talk.reset_stream(stream, self.limits.reason)
            return
        wait = [("retry-after", self.limits.retry_after)] if self.limits.retry_after else []
        talk.send_headers(stream, [(":status", str(self.limits.status)), *wait], end_stream=True)

    def _refuses(self) -> bool:
        every, left = self.limits.refuse_every, self.limits.refused
        refuses = left != 0 or (every > 0 and self.counts.received % every == 0)
        self.limits.refused = left - 1 if left > 0 else left
        self.counts.refused += refuses
        return refuses
