"""Silence over UDP is a promise kept only where UDP was seen to arrive."""

import socket
import threading
from collections.abc import Iterator

import dns.message
import pytest

from keyhole.verify.check import Line, Verdict, run_check
from keyhole.verify.checks import amplification
from keyhole.verify.endpoint import Endpoint
from keyhole.verify.run import chosen
from keyhole.verify.target import Target

_STRANGER = "127.0.0.9"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A port for UDP, without one for TCP, that takes all and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


def _serve_all_but_the_stranger(sock: socket.socket) -> None:
    while True:
        wire, peer = sock.recvfrom(4096)
        if peer[0] != _STRANGER:
            if len(wire) < 12:
                return
            sock.sendto(dns.message.make_response(dns.message.from_wire(wire)).to_wire(), peer)


def _line(outside: Endpoint, *known: Endpoint) -> Line:
    target = Target("silent", list(known), outside=outside, known="www.example.org")
    return run_check(chosen(["amplification"])[0], target)


@pytest.mark.parametrize("is_another_known", [False, True])
def test_silence_alone_is_neither_a_promise_kept_nor_an_error(
    silent: socket.socket, monkeypatch: pytest.MonkeyPatch, is_another_known: bool
) -> None:
    monkeypatch.setattr(amplification, "_SECONDS", 0.1)
    there = Endpoint("udp", *silent.getsockname())
    # That the stream of the same port answers says nothing of UDP.
    known = [Endpoint("tcp", there.host, there.port)] if is_another_known else []
    line = _line(there, *known)
    assert line.verdict is Verdict.SKIP, line.seen
    assert line.seen == f"nothing came back from {there}; whether UDP arrives was not shown"


def test_silence_to_a_stranger_is_a_promise_kept_where_others_are_answered(
    silent: socket.socket,
) -> None:
    there = Endpoint("udp", *silent.getsockname())
    server = threading.Thread(target=_serve_all_but_the_stranger, args=(silent,), daemon=True)
    server.start()
    line = _line(Endpoint("udp", there.host, there.port, source=_STRANGER), there)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"end", silent.getsockname())
    server.join(10)
    assert line.verdict is Verdict.PASS, line.seen
    assert "7 of 7 were dropped" in line.seen
