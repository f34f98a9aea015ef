"""An upstream that says many wrong things before each true answer, as somebody who guesses would.

Each kind is one that a resolver must not take (RFC 5452 section 9.1): another id, name, type or
class, a message that is no answer, one cut short, and one of two questions. All of them give
``FORGED``.
"""

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.message
import dns.rrset

from tests.world.certificates import Pair

TRUE, FORGED = "198.18.0.7", "198.18.66.66"
_HEADER = 12


def _answer(query: bytes, address: str) -> bytes:
    question = dns.message.from_wire(query)
    reply = dns.message.make_response(question)
    name = question.question[0].name
    reply.answer.append(dns.rrset.from_text(name, 300, "IN", "A", address))
    reply.use_edns(-1)
    return reply.to_wire()


def _other_id(forged: bytes, number: int) -> bytes:
    # Never the right one, as often as it is tried.
    right = int.from_bytes(forged[:2], "big")
    return ((right + 1 + number % 65_535) & 0xFFFF).to_bytes(2, "big") + forged[2:]


def _other_name(forged: bytes, number: int) -> bytes:
    # The first letter of the question, which the answer's pointer repeats.
    letter = bytes([ord("a") + number % 12])
    return forged[: _HEADER + 1] + letter + forged[_HEADER + 2 :]


def _question_word(at: int, value: int) -> Callable[[bytes, int], bytes]:
    """The type (0) or class (2) behind the name in the question."""

    def changed(forged: bytes, _: int) -> bytes:
        place = forged.index(0, _HEADER) + 1 + at
        return forged[:place] + struct.pack("!H", value) + forged[place + 2 :]

    return changed


def _no_answer(forged: bytes, _: int) -> bytes:
    return forged[:2] + bytes([forged[2] & 0x7F]) + forged[3:]


KINDS: tuple[Callable[[bytes, int], bytes], ...] = (
    _other_id,
    _other_name,
    _question_word(0, 28),
    _question_word(2, 3),
    lambda forged, number: _no_answer(_other_id(forged, number), number),
    lambda forged, number: _other_id(forged, number)[: _HEADER + number % 20],
    lambda forged, number: _other_name(forged[:5] + b"\x02" + forged[6:], number),
)


class _Forging(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    context: ssl.SSLContext | None = None
    each = 0
    sent = 0

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        if self.context is not None:
            connection.settimeout(20)
            connection = self.context.wrap_socket(connection, server_side=True)
        return connection, address


class _Connection(socketserver.StreamRequestHandler):
    server: _Forging

    def handle(self) -> None:
        while len(head := self.rfile.read(2)) == 2:
            query = self.rfile.read(int.from_bytes(head, "big"))
            forged = _answer(query, FORGED)
            messages = [KINDS[n % len(KINDS)](forged, n) for n in range(self.server.each)]
            self.server.sent += len(messages)
            messages.append(_answer(query, TRUE))
            self.wfile.write(b"".join(struct.pack("!H", len(one)) + one for one in messages))


@contextmanager
def forging(each: int, certificate: Pair | None = None) -> Iterator[_Forging]:
    """Runs one that sends ``each`` forged messages for a question, over TLS if it has a
    certificate. ``server_address[1]`` is its port, ``sent`` how many it sent."""
    with _Forging(("127.0.0.1", 0), _Connection) as server:
        server.each = each
        if certificate is not None:
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(certificate.certificate, certificate.key)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
