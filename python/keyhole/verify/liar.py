"""An upstream over DNS over TLS that lies, in ways that the first label of a name selects."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rrset
from dns.rdatatype import RdataType

HONEST = "198.18.0.7"
POISON = "198.18.66.66"
"""An address of the benchmark network (RFC 2544), which no lie may bring to a client."""
VICTIM = "victim.verify.example."
_SECONDS = 20.0
_BIG = [f'"{part:02} {"x" * 240}"' for part in range(100)]

Lie = Callable[[dns.message.Message, str], bytes]


class Liar:
    """One listener on a free port of loopback, until `close`. ``wires`` are the queries that came.

    Without ``context`` it speaks no TLS, and so shows what a resolver would say in the clear.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.wires: list[bytes] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections."""
        # close() alone does not wake the thread that waits in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def names(self) -> list[str]:
        """The names that were asked, as they came, with the case of their letters."""
        return [name.to_text() for one in self.wires if (name := _asked(one)) is not None]

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError, dns.exception.DNSException), plain:
            plain.settimeout(_SECONDS)
            if self._context is None:
                self._talk(plain)
                return
            with self._context.wrap_socket(plain, server_side=True) as secured:
                self._talk(secured)

    def _talk(self, stream: socket.socket) -> None:
        with stream.makefile("rb") as octets:
            while len(head := octets.read(2)) == 2:
                wire = octets.read(struct.unpack("!H", head)[0])
                self.wires.append(wire)
                for answer in answers(wire):
                    stream.sendall(struct.pack("!H", len(answer)) + answer)


def _asked(wire: bytes) -> dns.name.Name | None:
    try:
        return dns.message.from_wire(wire).question[0].name
    except (dns.exception.DNSException, IndexError):
        return None


def answers(wire: bytes) -> list[bytes]:
    """What it says to a query."""
    query = dns.message.from_wire(wire)
    word, _, rest = query.question[0].name.labels[0].decode("ascii", "replace").partition("-")
    lie = _LIES.get(word.lower())
    return [lie(query, rest)] if lie else [_honest(query).to_wire()]


def _honest(query: dns.message.Message, address: str = HONEST) -> dns.message.Message:
    answer = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    if question.rdtype == RdataType.A:
        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", address))
    return answer


def _other_id(query: dns.message.Message, _: str) -> bytes:
    answer = _honest(query, POISON)
    answer.id = query.id ^ 1
    return answer.to_wire()


def _other_question(query: dns.message.Message, _: str) -> bytes:
    answer = _honest(query, POISON)
    name = dns.name.from_text("other.verify.example.")
    answer.question = [dns.rrset.RRset(name, query.question[0].rdclass, RdataType.A)]
    return answer.to_wire()


def _other_owner(query: dns.message.Message, _: str) -> bytes:
    answer = dns.message.make_response(query, recursion_available=True)
    answer.answer.append(dns.rrset.from_text("other.verify.example.", 60, "IN", "A", POISON))
    return answer.to_wire()


def _no_answer(query: dns.message.Message, _: str) -> bytes:
    """A question where an answer should be: QR is not set."""
    answer = _honest(query, POISON)
    answer.flags &= ~dns.flags.QR
    return answer.to_wire()


def _cut(query: dns.message.Message, _: str) -> bytes:
    return _honest(query, POISON).to_wire()[:-7]


def _garbage(query: dns.message.Message, _: str) -> bytes:
    return query.to_wire()[:2] + b"\xff" * 40


def _poisoned(query: dns.message.Message, _: str) -> bytes:
    """A right answer, with records of a name that nobody asked for."""
    answer = _honest(query)
    for section in (answer.answer, answer.additional):
        section.append(dns.rrset.from_text(VICTIM, 3600, "IN", "A", POISON))
    return answer.to_wire()


def _private(query: dns.message.Message, rest: str) -> bytes:
    """An address in hexadecimal, after the word."""
    address = ip_address(bytes.fromhex(rest))
    kind = "A" if address.version == 4 else "AAAA"
    answer = dns.message.make_response(query, recursion_available=True)
    answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, str(address)))
    return answer.to_wire()


def _big(query: dns.message.Message, _: str) -> bytes:
    answer = dns.message.make_response(query, recursion_available=True)
    name = query.question[0].name
    answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *_BIG))
    return answer.to_wire(max_size=65_535)


_LIES: dict[str, Lie] = {
    "id": _other_id,
    "question": _other_question,
    "owner": _other_owner,
    "query": _no_answer,
    "cut": _cut,
    "garbage": _garbage,
    "poison": _poisoned,
    "private": _private,
    "big": _big,
}


def server_context(chain: Path, key: Path) -> ssl.SSLContext:
    """TLS as a server, with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["dot"])
    context.load_cert_chain(chain, key)
    return context
