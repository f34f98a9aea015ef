"""An upstream over DNS over TLS or HTTPS that answers any name, and records what it receives.

The first label of a name selects the kind of answer:

===============  ============================================================
``slow-*``       the answer comes once ``release`` is called
``servfail-*``   SERVFAIL
``missing-*``    NXDOMAIN
``silent-*``     nothing at all
``garbage-*``    octets that are no DNS message
``other-*``      an answer to another question, then the right one
``big-*``        TXT records of together about 3,000 octets
``cname-*``      an alias to the rest of the name, then its address
``private-*``    192.168.1.1
``hint-*``       to HTTPS: an address hint of 192.168.1.1
``close-*``      the connection ends
``dual-*``       addresses of both families, and HTTPS and SVCB with both as mandatory hints
anything else    the address of the zone, 198.18.0.7 unless told otherwise
===============  ============================================================

A name in the zone's aliases leads to another one, by CNAME, and to HTTPS by its target. Aliases may
lead to aliases.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any

import dns.message
import h2.config
import h2.connection
import h2.events

from tests.world.certificates import Pair
from tests.world.waiting import PATIENCE
from tests.world.zone import ADDRESS, Zone

__all__ = ["ADDRESS", "Upstream", "Zone"]

_ALPN = {"dot": "dot", "doh": "h2"}
Send = Callable[[bytes], None]


class Upstream:
    """The upstream, in a thread of its own; ``port`` is where it listens.

    ``context`` replaces its TLS settings. ``shown`` holds the URIs of the client certificates that
    it received, if its context requests them.
    """

    def __init__(
        self,
        certificate: Pair,
        ttl: int = 300,
        *,
        zone: Zone | None = None,
        protocol: str = "dot",
        context: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.zone = zone or Zone(ttl)
        self.questions: list[str] = []
        self.messages: list[bytes] = []
        self.headers: list[set[str]] = []
        """Names of the headers of each request over HTTP."""
        self.connections = 0
        self.shown: list[str] = []
        self.address = address
        self.port = port
        self._serve: Callable[..., Coroutine[Any, Any, None]]
        self._serve = {"dot": self._serve_dot, "doh": self._serve_doh}[protocol]
        with_keys = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with_keys.load_cert_chain(certificate.certificate, certificate.key)
        self._context: ssl.SSLContext | None = with_keys
        if context is None:
            with_keys.set_alpn_protocols([_ALPN[protocol]])
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._ready = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Upstream":
        self._thread.start()
        assert self._ready.wait(PATIENCE), "the upstream did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes every connection, and stops listening."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)

    def release(self) -> None:
        """Sends the slow answers."""
        self._loop.call_soon_threadsafe(self._released.set)

    def hang_up(self) -> None:
        """Ends the open connections; new ones are accepted."""
        for writer in list(self._writers):
            self._loop.call_soon_threadsafe(writer.transport.abort)

    def times_asked(self, name: str) -> int:
        """The number of queries received for ``name``."""
        return self.questions.count(name.lower().rstrip(".") + ".")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, self.address, self.port, ssl=self._context)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        shown = writer.get_extra_info("peercert") or {}
        self.shown += [name for kind, name in shown.get("subjectAltName", ()) if kind == "URI"]
        answers: set[asyncio.Task[None]] = set()

        def answer(packet: bytes, send: Send) -> None:
            task = asyncio.create_task(self._answer(packet, writer, send))
            answers.add(task)
            task.add_done_callback(answers.discard)

        try:
            await self._serve(reader, writer, answer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve_dot(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Callable[[bytes, Send], None],
    ) -> None:
        def send(message: bytes) -> None:
            writer.write(len(message).to_bytes(2, "big") + message)

        while True:
            size = int.from_bytes(await reader.readexactly(2), "big")
            answer(await reader.readexactly(size), send)

    async def _serve_doh(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Callable[[bytes, Send], None],
    ) -> None:
        """HTTP/2 and POST, as Keyhole asks."""
        talk = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        talk.initiate_connection()
        writer.write(talk.data_to_send())
        bodies: dict[int, bytes] = {}

        def sender(stream: int) -> Send:
            def send(message: bytes) -> None:
                headers = [(":status", "200"), ("content-type", "application/dns-message")]
                talk.send_headers(stream, headers)
                talk.send_data(stream, message, end_stream=True)
                writer.write(talk.data_to_send())

            return send

        while octets := await reader.read(65536):
            for event in talk.receive_data(octets):
                if isinstance(event, h2.events.RequestReceived):
                    self.headers.append({_text(name) for name, _ in event.headers})
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                    talk.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    answer(bodies.pop(event.stream_id, b""), sender(event.stream_id))
            writer.write(talk.data_to_send())

    async def _answer(self, packet: bytes, writer: asyncio.StreamWriter, send: Send) -> None:
        query = dns.message.from_wire(packet)
        self.messages.append(packet)
        self.questions.append(query.question[0].name.to_text())
        word = query.question[0].name.labels[0].decode().partition("-")[0]
        if word == "slow":
            await self._released.wait()
        with suppress(ConnectionError):
            for message in self.zone.replies(word, query):
                send(message)
            if word == "close":
                writer.transport.abort()
            await writer.drain()


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
