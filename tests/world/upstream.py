"""An upstream over DNS over TLS that answers any name, counts, and misbehaves when told.

The first label of a name says how it is answered:

===============  ============================================================
``slow-*``       the answer comes once ``release`` is called
``servfail-*``   SERVFAIL
``silent-*``     nothing at all
``garbage-*``    octets that are no DNS message
``other-*``      an answer to another question, then the right one
``big-*``        TXT records of together about 3,000 octets
``cname-*``      an alias to the rest of the name, then its address
``private-*``    192.168.1.1
``close-*``      the connection ends
anything else    198.18.0.7, TTL ``ttl``
===============  ============================================================
"""

import asyncio
import ssl
import threading
from contextlib import suppress
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.world.certificates import Pair

ADDRESS = "198.18.0.7"


class Upstream:
    """The upstream, in a thread of its own; ``port`` is where it listens."""

    def __init__(self, certificate: Pair, ttl: int = 300) -> None:
        self.ttl = ttl
        self.questions: list[str] = []
        self.messages: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.certificate, certificate.key)
        self._context.set_alpn_protocols(["dot"])
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Upstream":
        self._thread.start()
        assert self._ready.wait(10), "the upstream did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes every connection; from then on nobody listens on the port."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def release(self) -> None:
        """Lets the slow answers go."""
        self._loop.call_soon_threadsafe(self._released.set)

    def times_asked(self, name: str) -> int:
        """How often a question for ``name`` arrived."""
        return self.questions.count(name.lower().rstrip(".") + ".")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context)
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

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answers: set[asyncio.Task[None]] = set()
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                packet = await reader.readexactly(size)
                task = asyncio.create_task(self._answer(packet, writer))
                answers.add(task)
                task.add_done_callback(answers.discard)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, packet: bytes, writer: asyncio.StreamWriter) -> None:
        query = dns.message.from_wire(packet)
        self.messages.append(packet)
        self.questions.append(query.question[0].name.to_text())
        word = query.question[0].name.labels[0].decode().partition("-")[0]
        if word == "slow":
            await self._released.wait()
        with suppress(ConnectionError):
            for message in _replies(word, query, self.ttl):
                writer.write(len(message).to_bytes(2, "big") + message)
            if word == "close":
                writer.transport.abort()
            await writer.drain()


def _replies(word: str, query: dns.message.Message, ttl: int) -> list[bytes]:
    """The messages to send, in order."""
    match word:
        case "silent" | "close":
            return []
        case "garbage":
            return [b"\xff" * 40]
        case "other":
            other = dns.message.make_query("elsewhere.example.org", "A")
            other.id = query.id
            return [_reply("plain", other, ttl).to_wire(), _reply("plain", query, ttl).to_wire()]
    return [_reply(word, query, ttl).to_wire(max_size=65535)]


def _reply(word: str, query: dns.message.Message, ttl: int) -> dns.message.Message:
    reply = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    name, kind = question.name, question.rdtype
    if word == "servfail":
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif word == "big":
        texts = [f'"{number:03d}{"x" * 197}"' for number in range(15)]
        reply.answer = [dns.rrset.from_text_list(name, ttl, "IN", "TXT", texts)]
    elif word == "cname":
        target = dns.name.Name(name.labels[1:])
        reply.answer = [dns.rrset.from_text(name, ttl, "IN", "CNAME", target.to_text())]
        reply.answer += _address(target, kind, ttl, ADDRESS)
    else:
        reply.answer = _address(name, kind, ttl, "192.168.1.1" if word == "private" else ADDRESS)
    if not reply.answer and word != "servfail":
        soa = "ns.example.org. host.example.org. 1 3600 600 86400 60"
        reply.authority = [dns.rrset.from_text(_zone_of(name), ttl, "IN", "SOA", soa)]
    return reply


def _zone_of(name: dns.name.Name) -> dns.name.Name:
    return name if name == dns.name.root else name.parent()


def _address(
    name: dns.name.Name, kind: dns.rdatatype.RdataType, ttl: int, address: str
) -> list[dns.rrset.RRset]:
    if kind != dns.rdatatype.A:
        return []
    return [dns.rrset.from_text(name, ttl, "IN", "A", address)]
