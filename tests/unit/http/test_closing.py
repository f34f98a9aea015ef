"""Row D6 at the listeners of control: a client that is idle or late is told the end."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_network

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from keyhole.http import network_protocol
from keyhole.http.connection_limiter import ConnectionLimiter, ConnectionLimits
from keyhole.http.network_protocol import NetworkProtocol
from keyhole.http.protocol import HttpProtocol
from tests.world.certificates import Authority
from tests.world.waiting import PATIENCE

_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def _small(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


def _is_announced(port: int, trust: ssl.SSLContext, octets: bytes) -> bool:
    """Whether a connection on which this is said, and then nothing, ends with close_notify."""
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    with trust.wrap_socket(
        plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False
    ) as connection:
        connection.sendall(octets)
        try:
            while connection.recv(4096):
                pass
        except ssl.SSLEOFError:
            return False
        return True


@pytest.mark.parametrize("octets", [b"", _REQUEST[:20], _REQUEST], ids=["idle", "half", "asked"])
@pytest.mark.parametrize("limit", ["the next header", "the whole connection"])
def test_a_client_that_is_idle_or_late_is_told_the_end(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, octets: bytes, limit: str
) -> None:
    pair = authority.issue("127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)
    trust = ssl.create_default_context(cafile=str(authority.root))
    is_header = limit == "the next header"
    monkeypatch.setattr(network_protocol, "HEADER_SECONDS", 0.5)
    seconds = None if is_header else 0.5
    kind = NetworkProtocol if is_header else HttpProtocol

    async def once() -> bool:
        config = Config(_small, lifespan="off", log_config=None, ws="none")
        config.load()
        inner: Callable[[], asyncio.Protocol] = lambda: kind(config, ServerState(), {})  # noqa: E731
        limits = ConnectionLimits(seconds=seconds)
        networks = [ip_network("127.0.0.0/8")]
        limiter = ConnectionLimiter(networks, tls, inner, lambda *_: None, limits)
        loop = asyncio.get_running_loop()
        async with await loop.create_server(limiter, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await asyncio.to_thread(_is_announced, port, trust, octets)

    assert asyncio.run(once())
