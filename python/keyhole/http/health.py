"""``/metrics``, ``/livez`` and ``/readyz`` on a listener of their own.

It has no password and no TLS: what it shows names no client and no query. It listens on loopback
unless the settings say otherwise.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from keyhole.http.connection_limiter import ConnectionLimiter, ConnectionLimits
from keyhole.http.incidents import Report
from keyhole.http.protocol import HttpProtocol
from keyhole.http.server import HttpServer, uvicorn_config
from keyhole.http.tcp import display_address, tcp_listener
from keyhole.model.address import Endpoint, Network, read_network

Render = Callable[[str], tuple[bytes, str]]
"""The page of metrics for an Accept header, and its media type; may take a while."""
Ready = Callable[[], Awaitable[str]]
"""Why it is not ready; empty if it is."""
_ANYONE: tuple[Network, ...] = (read_network("0.0.0.0/0"), read_network("::/0"))
_LIMITS = ConnectionLimits(connections=64, per_address=16)


def health_application(render: Render, ready: Ready) -> Starlette:
    """The three routes; every other path is 404."""

    async def metrics(request: Request) -> Response:
        accept = request.headers.get("accept", "")
        octets, media_type = await asyncio.to_thread(render, accept)
        return Response(octets, headers={"content-type": media_type})

    async def livez(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_: Request) -> Response:
        why = await ready()
        return PlainTextResponse(f"{why or 'ready'}\n", status_code=503 if why else 200)

    return Starlette(
        routes=[Route("/metrics", metrics), Route("/livez", livez), Route("/readyz", readyz)]
    )


def incident_response(_: Scope, text: str) -> ASGIApp:
    """The answer to an error of ours."""
    return PlainTextResponse(f"{text}\n", status_code=500)


class HealthServer:
    """The listener, on the event loop that starts it."""

    def __init__(
        self, listen: Sequence[Endpoint], render: Render, ready: Ready, report: Report
    ) -> None:
        self._listen = list(listen)
        config = uvicorn_config(
            health_application(render, ready), "health", report, incident_response
        )
        self._server = HttpServer()
        self._limiter = ConnectionLimiter(
            _ANYONE,
            None,
            lambda: HttpProtocol(config, self._server.state, {}),
            lambda address, why: None,
            _LIMITS,
        )
        self.addresses: list[str] = []

    @property
    def is_listening(self) -> bool:
        """Whether it listens everywhere that it should."""
        return not self._listen

    async def start(self) -> None:
        """Listens where it does not listen yet; raises ``OSError`` if it cannot."""
        loop = asyncio.get_running_loop()
        while self._listen:
            listener = tcp_listener(self._listen[0])
            self.addresses.append(display_address(listener))
            self._server.add(await loop.create_server(self._limiter, sock=listener))
            self._listen.pop(0)

    async def stop(self) -> None:
        """Closes listeners and connections."""
        self._server.stop_listening()
        self._limiter.close()
        await self._server.close()
