"""Messages that break the rules cost only the one who sent them."""

import random
import socket
import struct

import dns.message
import pytest

from tests.world import raw
from tests.world.ask import Server
from tests.world.resolver import Resolver

_ID = 0x1234
_NAME = b"\x07example\x03org\x00"
_QUESTION = _NAME + b"\x00\x01\x00\x01"
_RECORD = _QUESTION + b"\x00\x00\x00\x00\x00\x04\xc6\x12\x00\x07"
_OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"


def _header(questions: int = 1, answers: int = 0, authority: int = 0, more: int = 0,
            flags: int = 0x0100) -> bytes:  # fmt: skip
    return struct.pack(">6H", _ID, flags, questions, answers, authority, more)


_WITH_OPT = _header(more=1) + _QUESTION + _OPT
# The same, up to the length of its options.
_OPEN_OPT = _WITH_OPT[:-2]

# Messages that are no question at all: an answer would only help who sends with a false address.
_DROPPED = {
    "empty": b"",
    "one octet": b"\x12",
    "half a header": _header()[:6],
    "an answer": _header(flags=0x8180) + _QUESTION,
    "an answer that says it is a question to us": _header(flags=0x8000) + _QUESTION,
}

# Messages whose header can be read: a format error with the same id, or silence.
_REJECTED = {
    "no question": _header(0),
    "no question but an OPT": _header(0, more=1) + _OPT,
    "two questions": _header(2) + _QUESTION + _QUESTION,
    "65535 questions": _header(65535) + _QUESTION,
    "a question cut off": _header() + _QUESTION[:-3],
    "a name cut off": _header() + b"\x07exam",
    "a name without its end": _header() + b"\x07example\x03org",
    "a pointer to itself": _header() + b"\xc0\x0c\x00\x01\x00\x01",
    "a pointer forward": _header() + b"\xc0\x20\x00\x01\x00\x01" + b"\x00" * 20,
    "two pointers in a ring": _header() + b"\xc0\x0e\xc0\x0c\x00\x01\x00\x01",
    "a pointer past the end": _header() + b"\xff\xff\x00\x01\x00\x01",
    "half a pointer": _header() + b"\xc0",
    "a label of 64 octets": _header() + b"\x40" + b"a" * 64 + b"\x00\x00\x01\x00\x01",
    "a label type of 1 0": _header() + b"\x80abc\x00\x00\x01\x00\x01",
    "a name of 256 octets": _header() + (b"\x3f" + b"a" * 63) * 4 + b"\x00\x00\x01\x00\x01",
    "an answer record in a question": _header(1, 1) + _QUESTION + _RECORD,
    "more records than octets": _header(1, 0, 0, 9) + _QUESTION,
    "octets after the end": _header() + _QUESTION + b"trailing",
    "an OPT with a name": _header(more=1) + _QUESTION + b"\x01a" + _OPT,
    "an OPT cut off": _WITH_OPT[:-3],
    "an OPT shorter than its length": _OPEN_OPT + b"\x00\x10",
    "an option longer than its OPT": _OPEN_OPT + b"\x00\x04\x00\x0a\x00\xff",
    "a cookie of 3 octets": _OPEN_OPT + b"\x00\x07\x00\x0a\x00\x03abc",
}  # fmt: skip

_FORMAT_ERROR = 1


@pytest.fixture
def server(shared_resolver: Resolver) -> Server:
    return shared_resolver.server


def _still_answers(server: Server) -> None:
    assert server.ask("printer.example.org").addresses == ["192.0.2.7"]


@pytest.mark.parametrize("what", sorted(_DROPPED))
def test_what_is_no_question_gets_no_answer(server: Server, what: str) -> None:
    assert raw.ask_udp(server, _DROPPED[what], seconds=0.2) is None
    _still_answers(server)


@pytest.mark.parametrize("what", sorted(_REJECTED))
def test_a_malformed_question_is_a_format_error_or_nothing(server: Server, what: str) -> None:
    reply = raw.ask_udp(server, _REJECTED[what], seconds=0.5)
    if reply is not None:
        assert reply[:2] == _ID.to_bytes(2, "big")
        assert reply[2] & 0x80, "an answer"
        assert reply[3] & 0x0F == _FORMAT_ERROR
        assert len(reply) <= max(len(_REJECTED[what]), 12) + 60, "no amplification"
    _still_answers(server)


@pytest.mark.parametrize("what", sorted(_REJECTED | _DROPPED))
def test_a_malformed_message_on_a_stream_harms_no_other_stream(server: Server, what: str) -> None:
    good = dns.message.make_query("printer.example.org", "A")
    with raw.tcp(server) as innocent, raw.tcp(server) as guilty:
        guilty.send((_REJECTED | _DROPPED)[what], good.to_wire())
        # Whether the guilty connection is closed or goes on, it ends in one of these two ways.
        while (message := guilty.receive()) is not None and message[:2] != good.to_wire()[:2]:
            assert message[3] & 0x0F == _FORMAT_ERROR
        innocent.send(good.to_wire())
        answer = innocent.receive()
    assert answer is not None
    assert dns.message.from_wire(answer).answer


def test_random_octets_on_every_listener_do_no_harm(server: Server) -> None:
    noise = random.Random(53)
    for port in (server.tcp, server.dot, server.doh):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                sock.sendall(noise.randbytes(noise.randrange(1, 2000)))
    for _ in range(200):
        raw.ask_udp(server, noise.randbytes(noise.randrange(0, 600)), seconds=0.001)
    _still_answers(server)
    assert server.ask("printer.example.org", transport="dot").addresses == ["192.0.2.7"]
    assert server.ask("printer.example.org", transport="doh").addresses == ["192.0.2.7"]
