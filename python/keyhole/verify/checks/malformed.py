"""Denial of service: messages that break the rules, on every transport."""

import socket
import struct
from contextlib import suppress

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import Endpoint, Reply, ask, connect
from keyhole.verify.standards import rfc
from keyhole.verify.target import Target

_SECONDS = 0.3
_ID = b"\x4b\x48"
_NAME = b"\x06verify\x07example\x00"
_QUESTION = _NAME + b"\x00\x01\x00\x01"
_OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00"


def _head(questions: int = 1, answers: int = 0, more: int = 0, flags: int = 0x0100) -> bytes:
    return _ID + struct.pack("!5H", flags, questions, answers, 0, more)


MESSAGES = {
    "nothing": b"",
    "one octet": b"\x00",
    "a header alone": _head(),
    "no question": _head(0),
    "more questions than octets": _head(65_535) + _QUESTION,
    "a name that ends nowhere": _head() + b"\x3fverify",
    "a pointer to itself": _head() + b"\xc0\x0c\x00\x01\x00\x01",
    "two pointers in a ring": _head() + b"\xc0\x0e\xc0\x0c\x00\x01\x00\x01",
    "a pointer past the end": _head() + b"\xff\xff\x00\x01\x00\x01",
    "a label of 64 octets": _head() + b"\x40" + b"a" * 64 + b"\x00\x00\x01\x00\x01",
    "a name of 320 octets": _head() + (b"\x3f" + b"a" * 63) * 5 + b"\x00\x00\x01\x00\x01",
    "a record in a question": _head(answers=1) + _QUESTION + _QUESTION + bytes(6),
    "octets after the end": _head() + _QUESTION + b"more",
    "an OPT cut off": _head(more=1) + _QUESTION + _OPT[:5],
    "an option longer than its OPT": _head(more=1) + _QUESTION + _OPT + b"\x00\x04\x00\x0a\x00\xff",
    "two OPT records": _head(more=2) + _QUESTION + (_OPT + b"\x00\x00") * 2,
    "an answer": _head(flags=0x8180) + _QUESTION,
    "an unknown opcode": _head(flags=0x7900) + _QUESTION,
    "an update": _head(flags=0x2800) + _QUESTION,
    "noise": bytes(range(7, 247, 3)) * 4,
}
"""RFC 1035 section 4.1, RFC 9267, RFC 6891 section 6.1.1."""


@check(
    "malformed",
    "Malformed messages harm nobody",
    Threat.DENIAL,
    rfc(9267),
    rfc(6891, "7"),
    tried=f"{len(MESSAGES)} malformed messages over each transport, then an ordinary question",
    expected="an error or nothing for each, and an answer to the ordinary question",
)
def malformed(target: Target) -> Seen:
    """RFC 9267: what parsers of DNS messages got wrong."""
    listeners = target.over("udp", "tcp", "dot", "doh")
    broken = [
        f"{what} over {one}: {reply.records}"
        for one in listeners
        for what, wire in MESSAGES.items()
        if (reply := _sent(one, wire)).records
    ]
    broken += target.still_answers()
    fine = f"{len(MESSAGES)} over {len(listeners)} transports, it still answers"
    return Seen.of(broken, len(MESSAGES) * len(listeners), fine)


def _sent(one: Endpoint, wire: bytes) -> Reply:
    return ask(one, wire, _SECONDS)


@check(
    "half-open",
    "Connections that say nothing hold up nobody",
    Threat.DENIAL,
    rfc(7766, "6.2.3"),
    tried="20 connections to each listener that send one octet and stop",
    expected="an answer to an ordinary question meanwhile",
)
def half_open(target: Target) -> Seen:
    """RFC 7766 section 6.2.3: a server protects itself from idle connections."""
    held: list[socket.socket] = []
    try:
        for one in target.over("tcp", "dot", "doh"):
            for _ in range(20):
                with suppress(OSError):
                    plain = Endpoint("tcp", one.host, one.port)
                    held.append(stream := connect(plain))
                    stream.sendall(b"\x00")
        fine = f"it answers beside {len(held)} of them"
        return Seen.of(target.still_answers(), len(held), fine)
    finally:
        for stream in held:
            stream.close()


CHECKS: tuple[Check, ...] = (malformed, half_open)
