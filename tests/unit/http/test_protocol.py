"""Every HTTP server of Keyhole has the same exact limits."""

import asyncio
import json
from pathlib import Path

import pytest

import keyhole
from keyhole.http import HttpProtocol, HttpServer, uvicorn_config
from keyhole.http.protocol import HEADER_OCTETS

_PLAIN = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def _application(scope: object, receive: object, send: object) -> None:
    assert callable(send)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _status(*pieces: bytes) -> int:
    """The status of the answer to a request that arrives in these pieces."""
    return int(_answer(*pieces).split()[1])


def _answer(*pieces: bytes) -> bytes:
    """The first octets of the answer to a request that arrives in these pieces."""

    async def ask() -> bytes:
        config = uvicorn_config(
            _application,
            "test",
            lambda text, details: None,
            lambda scope, text: _application,
        )
        server = HttpServer()
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            lambda: HttpProtocol(config, server.state, {}), "127.0.0.1", 0
        )
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            answer = await reader.read(4096)
            writer.close()
            await server.close()
        return answer

    return asyncio.run(ask())


def test_no_server_uses_the_library_without_the_limits() -> None:
    sources = Path(keyhole.__file__).parent.rglob("*.py")
    using = [path.name for path in sources if "H11Protocol" in path.read_text()]
    assert using == ["protocol.py"]


@pytest.mark.parametrize(
    "request_", [b"no HTTP\r\n\r\n", b"GET /" + b"x" * HEADER_OCTETS + b"\r\n"]
)
def test_what_is_not_http_is_refused_with_a_problem_document(request_: bytes) -> None:
    head, _, body = _answer(request_).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head.lower()
    problem = json.loads(body)
    assert problem["status"] == 400
    assert "16,384 octets" in problem["detail"]


@pytest.mark.parametrize("more", [-1, 0, 1, 4_000, 100_000])
def test_a_header_has_the_limit_to_the_octet(more: int) -> None:
    line = b"X: \r\n"
    rest = HEADER_OCTETS - len(_PLAIN) - len(line) - len(b"\r\n")
    header = b"X: " + b"x" * (rest + more) + b"\r\n"
    assert _status(_PLAIN + header + b"\r\n") == (204 if more <= 0 else 400)


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (b"", 400),
        (b"Host: a\r\nHost: a\r\n", 400),
        (b"Host: a b\r\n", 400),
        (b"Host: user@a\r\n", 400),
        (b"Host: a:b\r\n", 400),
        (b"Host: a/b\r\n", 400),
        (b"Host: \r\n", 204),
        (b"Host: a.example:8080\r\n", 204),
        (b"Host: [::1]:8080\r\n", 204),
    ],
)
def test_a_request_names_one_valid_host(hosts: bytes, status: int) -> None:
    assert _status(b"GET / HTTP/1.1\r\n", hosts, b"\r\n") == status


def test_trailers_are_limited_as_well() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert _status(head, b"0\r\n\r\n") == 204
    late = b"".join(b"X-%d: " % index + b"x" * 5_000 + b"\r\n" for index in range(5))
    assert _status(head + b"0\r\n" + late + b"\r\n") == 400
