"""A body leaves an engine in steps: a slow line needs minutes for a part of the query log."""

import http.client
import io
from pathlib import Path

from keyhole.link.control_client import STEP_OCTETS, ControlClient


class _Socket:
    """What a connection sends, each call apart, and an answer."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, octets: bytes) -> None:
        self.sent.append(bytes(octets))

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(b'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{"good": 1}\n')

    def setsockopt(self, *_: object) -> None: ...

    def settimeout(self, _: float) -> None: ...

    def close(self) -> None: ...


class _Connection(http.client.HTTPSConnection):
    def __init__(self, socket: _Socket) -> None:
        super().__init__("control.example")
        self._there = socket

    def connect(self) -> None:
        self.sock = self._there


def test_no_call_sends_more_than_a_step_and_all_arrives(tmp_path: Path) -> None:
    body = bytes(range(256)) * 700
    assert len(body) > 2 * STEP_OCTETS
    socket = _Socket()

    class Client(ControlClient):
        def connect(self) -> http.client.HTTPSConnection:
            return _Connection(socket)

    assert Client("https://control.example", tmp_path).ask("POST", "/events", body) == {"good": 1}
    head, *steps = socket.sent
    assert f"content-length: {len(body)}".encode() in head.lower()
    assert b"chunked" not in head
    assert b"".join(steps) == body
    assert max(map(len, steps)) <= STEP_OCTETS
