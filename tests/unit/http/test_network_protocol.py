"""Slow connections are aborted, and others are not."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from keyhole.http import network_protocol
from keyhole.http.network_protocol import NetworkProtocol

STATE = ServerState()
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _is_limited() -> bool:
    """Whether a time limit is running for any connection."""
    ours = [one for one in STATE.connections if isinstance(one, NetworkProtocol)]
    return any(one._header.is_running for one in ours)


def _serve(app: object, client: Callable[[int], Awaitable[bytes]]) -> bytes:
    """Serves on a free port while ``client`` runs with that port; returns its result."""

    async def once() -> bytes:
        config = Config(app, lifespan="off", log_config=None, ws="none")  # type: ignore[arg-type]
        config.load()
        STATE.connections.clear()
        listener = socket.create_server(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: NetworkProtocol(config, STATE, {}), sock=listener)
        async with server:
            return await client(listener.getsockname()[1])

    return asyncio.run(once())


async def _large(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(64):
        await send({"type": "http.response.body", "body": b"x" * 1_048_576, "more_body": True})
    await send({"type": "http.response.body"})


async def _small(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"GET"])
def test_an_incomplete_request_ends_the_connection(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_protocol, "HEADER_SECONDS", 0.05)

    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        return await reader.read()

    assert _serve(_small, client) == b""


def test_the_time_limit_stops_while_a_request_is_served() -> None:
    waiting: list[bool] = []

    async def record(scope: Scope, receive: Receive, send: Send) -> None:
        [connection] = STATE.connections
        assert isinstance(connection, NetworkProtocol)
        waiting.append(connection._header.is_running)
        await _small(scope, receive, send)

    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(REQUEST)
            await reader.readuntil(b"done")
        writer.write(REQUEST[:10])
        async with asyncio.timeout(30):
            while not _is_limited():  # noqa: ASYNC110
                await asyncio.sleep(0)
        writer.close()
        return b"limited"

    assert _serve(record, client) == b"limited"
    assert waiting == [False, False]


def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_protocol, "WRITE_SECONDS", 0.05)
    lost = asyncio.Event()
    original = NetworkProtocol.connection_lost

    def recorded(self: NetworkProtocol, error: Exception | None) -> None:
        original(self, error)
        lost.set()

    monkeypatch.setattr(NetworkProtocol, "connection_lost", recorded)

    async def client(port: int) -> bytes:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(REQUEST)
        async with asyncio.timeout(30):
            await lost.wait()
        writer.close()
        return b"lost"

    assert _serve(_large, client) == b"lost"
