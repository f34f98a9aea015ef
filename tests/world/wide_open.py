"""A small server that keeps every promise that `keyhole verify` asks about, but for its vices.

It serves DNS over UDP, TCP, TLS and HTTPS, the same over TLS with a client certificate, and HTTP.
Each vice is a word of `VICES` in the tests; without any, each line must be green.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rrset
from dns.rdatatype import RdataType

from keyhole.lab.internet.doh import DohConnection
from keyhole.lab.internet.dot import StreamConnection
from keyhole.lab.internet.mode import Mode
from keyhole.lab.internet.service import Outgoing
from keyhole.verify.endpoint import Certificate, Endpoint
from keyhole.verify.target import Target
from tests.world.certificates import Authority
from tests.world.open_page import OpenPage
from tests.world.waiting import PATIENCE

KNOWN, BLOCKED, ALIAS = "www.example.org", "blocked.example", "alias.example"
NAME = "resolver.example.org"
_ADDRESS = "198.18.0.7"
# No name but these and below them is there.
_THERE = (KNOWN, BLOCKED, ALIAS, "tunnel.example")


class WideOpen:
    """The server, in a thread of its own; a context manager."""

    def __init__(self, authority: Authority, *vices: str) -> None:
        self.vices = set(vices)
        self.authority = authority
        self.pair = authority.issue(NAME, "127.0.0.1")
        self.ports: dict[str, int] = {}
        self.asked: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)

    def endpoint(self, transport: str, *, strict: bool = False) -> Endpoint:
        """A listener of it."""
        port = self.ports[f"{transport}{'-strict' if strict else ''}"]
        return Endpoint(transport, "127.0.0.1", port, NAME, self.authority.root)

    def target(self, **changes: Any) -> Target:
        """It, as `keyhole verify` would be told of it."""
        good = self.authority.svid("spiffe://keyhole.test/ns/test/sa/good")
        values: dict[str, Any] = {
            "open": [self.endpoint(one) for one in ("udp", "tcp", "dot", "doh")],
            "strict": [self.endpoint(one, strict=True) for one in ("dot", "doh")],
            "outside": Endpoint("udp", "127.0.0.1", self.ports["outside"]),
            "known": KNOWN,
            "blocked": BLOCKED,
            "alias": ALIAS,
            "tunnel": "tunnel.example",
            "good": Certificate(good.certificate, good.key),
            "api": f"http://127.0.0.1:{self.ports['http']}",
            "metrics": [f"http://127.0.0.1:{self.ports['http']}/metrics"],
        }
        return Target(title="wide open", **{**values, **changes})

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _start(self) -> None:
        loop = self._loop
        service = SimpleNamespace(mode=Mode.ANSWER, answer=self._answer)
        for strict in (False, True):
            for transport, alpn in (("dot", "dot"), ("doh", "h2")):
                made = _protocol(transport, service)
                server = await loop.create_server(
                    made, "127.0.0.1", 0, ssl=self._tls(alpn, strict=strict)
                )
                word = f"{transport}{'-strict' if strict else ''}"
                self.ports[word] = server.sockets[0].getsockname()[1]
        if "speaks cleartext DNS on the port of TLS" in self.vices:
            await self._serve_in_clear("dot", _protocol("tcp", service))
        if "speaks HTTP without TLS" in self.vices:
            await self._serve_in_clear("doh", lambda: OpenPage(self.vices, self.asked))
        tcp = await loop.create_server(lambda: _Stream(service, self.vices), "127.0.0.1", 0)
        self.ports["tcp"] = tcp.sockets[0].getsockname()[1]
        for word in ("udp", "outside"):
            await self._serve_udp(word)
        http = await loop.create_server(lambda: OpenPage(self.vices, self.asked), "127.0.0.1", 0)
        self.ports["http"] = http.sockets[0].getsockname()[1]
        https = await loop.create_server(
            lambda: OpenPage(self.vices, self.asked),
            "127.0.0.1",
            0,
            ssl=self._tls("http/1.1", strict=False),
        )
        self.ports["https"] = https.sockets[0].getsockname()[1]

    async def _serve_udp(self, word: str) -> None:
        def answer(wire: bytes) -> bytes | None:
            if word == "outside" and "amplifies" not in self.vices:
                # REFUSED and nothing else (RFC 5358).
                return wire[:2] + b"\x80\x05" + bytes(8)
            return self.answer(wire, "udp")

        udp, _ = await self._loop.create_datagram_endpoint(
            lambda: _Datagrams(answer), ("127.0.0.1", 0)
        )
        self.ports[word] = udp.get_extra_info("sockname")[1]

    async def _serve_in_clear(self, word: str, made: Callable[[], asyncio.Protocol]) -> None:
        server = await self._loop.create_server(made, "127.0.0.1", 0)
        self.ports[f"{word}-strict"] = server.sockets[0].getsockname()[1]

    def _tls(self, alpn: str, *, strict: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if "takes old TLS" in self.vices:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.set_alpn_protocols([alpn])
        pair = self.pair
        if "has a certificate for another name" in self.vices:
            pair = self.authority.issue("other.example.org")
        context.load_cert_chain(pair.certificate, pair.key)
        if strict and "believes any certificate" not in self.vices:
            wanted = "asks for no certificate" not in self.vices
            context.verify_mode = ssl.CERT_REQUIRED if wanted else ssl.CERT_OPTIONAL
            context.load_verify_locations(self.authority.root)
        return context

    def _answer(self, wire: bytes, transport: str) -> Outgoing | None:
        said = self.answer(wire, transport)
        return None if said is None else Outgoing(said, 0.0)

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        """What it says to these octets."""
        if len(wire) < 12 or wire[2] & 0x80:
            return None
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return self._to_malformed(wire)
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return self._to_malformed(wire)
        self.asked.append(query.question[0].name.to_text(omit_final_dot=True))
        answer = self._said(query)
        if transport == "udp" and "cuts answers without a word" in self.vices:
            answer.answer = [
                dns.rrset.from_rdata(one.name, one.ttl, one[0]) for one in answer.answer
            ]
        if transport != "udp" or "sends large answers over UDP" in self.vices:
            return answer.to_wire(max_size=65_535)
        return answer.to_wire(max_size=1232)

    def _to_malformed(self, wire: bytes) -> bytes:
        if "ends at a malformed message" in self.vices:
            self.vices.add("answers nothing")
        several = wire[4:6] not in (b"\0\0", b"\0\1")
        if several and "answers several questions" in self.vices:
            name = dns.name.from_text(BLOCKED)
            answer = dns.message.Message(int.from_bytes(wire[:2], "big"))
            answer.flags |= dns.flags.QR
            _add(answer, name, "A", _ADDRESS)
            return answer.to_wire()
        return wire[:2] + b"\x80\x01" + bytes(8)

    def _said(self, query: dns.message.Message) -> dns.message.Message:
        question, answer = query.question[0], dns.message.make_response(query)
        name, vices = question.name.to_text(omit_final_dot=True), self.vices
        if "answers nothing" in vices:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        if question.rdclass != dns.rdataclass.IN:
            if "tells its version" in vices and question.rdclass == dns.rdataclass.CH:
                answer.answer.append(
                    dns.rrset.from_text(question.name, 0, "CH", "TXT", '"open 1.0"')
                )
            elif "answers other classes" in vices:
                _add(answer, question.name, "A", _ADDRESS)
            else:
                answer.set_rcode(dns.rcode.REFUSED)
            return answer
        if question.rdtype in (RdataType.AXFR, RdataType.IXFR):
            if "hands out zones" in vices:
                _add(answer, question.name, "NS", "ns.example.org.")
            else:
                answer.set_rcode(dns.rcode.REFUSED)
            return answer
        if self._blocks(query, name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return answer
        if name.endswith("tunnel.example") and "lets tunnels pass" not in vices:
            passed = sum(one.endswith("tunnel.example") for one in self.asked)
            if passed > 60 or "refuses tunnels at once" in vices:
                answer.set_rcode(dns.rcode.REFUSED)
                return answer
        self._answer_type(answer, question)
        return answer

    def _answer_type(self, answer: dns.message.Message, question: dns.rrset.RRset) -> None:
        kind = question.rdtype
        if not question.name.to_text(omit_final_dot=True).lower().endswith(_THERE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif kind == RdataType.ANY and "answers ANY in full" in self.vices:
            _add(answer, question.name, "A", _ADDRESS)
            _add(answer, question.name, "TXT", '"more"')
        elif kind == RdataType.TXT and "sends large answers over UDP" in self.vices:
            _add(answer, question.name, "TXT", *(f'"{one:02}{"x" * 240}"' for one in range(12)))
        elif kind == RdataType.TXT and {"amplifies", "cuts answers without a word"} & self.vices:
            _add(answer, question.name, "TXT", *(f'"{one:02}{"x" * 240}"' for one in range(4)))
        elif kind == RdataType.A:
            _add(answer, question.name, "A", _ADDRESS)
        elif kind == RdataType.AAAA and "blocks A alone" in self.vices:
            _add(answer, question.name, "AAAA", "2001:db8::7")

    def _blocks(self, query: dns.message.Message, name: str) -> bool:
        vices, question = self.vices, query.question[0]
        gaps = {
            "compares names with case": name != name.lower(),
            "obeys CD": bool(query.flags & dns.flags.CD) and question.rdtype == RdataType.A,
            "obeys client subnets": any(int(one.otype) == 8 for one in query.options),
        }
        if any(is_open and vice in vices for vice, is_open in gaps.items()):
            return False
        if "blocks A alone" in vices and question.rdtype == RdataType.AAAA:
            return False
        if "follows aliases" in vices and name == ALIAS:
            return False
        if "blocks nothing" in vices:
            return False
        plain = name.lower()
        return plain in (BLOCKED, ALIAS) or plain.endswith(f".{BLOCKED}")


def _add(answer: dns.message.Message, name: dns.name.Name, kind: str, *data: str) -> None:
    answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *data))


def _protocol(transport: str, service: Any) -> Callable[[], asyncio.Protocol]:
    if transport == "doh":
        return lambda: DohConnection(service)
    return lambda: StreamConnection(service, transport)


class _Stream(StreamConnection):
    """The listener for TCP."""

    def __init__(self, service: Any, vices: set[str]) -> None:
        super().__init__(service, "tcp")
        self._vices = vices

    def data_received(self, data: bytes) -> None:
        if len(data) == 1 and "waits for silent connections" in self._vices:
            self._vices.add("answers nothing")
        super().data_received(data)


class _Datagrams(asyncio.DatagramProtocol):
    """The listener for UDP."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The one of a selector loop is a datagram transport by its methods, not by its class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._answer(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)
