"""Runs uvicorn's HTTP protocols on our own listeners, inside our own event loop."""

import asyncio
import logging

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from keyhole.http.incidents import Incidents, Report, Respond
from keyhole.http.protocol import HEADER_OCTETS

SHUTDOWN_SECONDS = 3.0
"""Time that open requests have to complete at shutdown."""
KEEP_ALIVE_SECONDS = 77
"""How long an idle connection stays open. Programs ask every 5, 10, 15, 30 or 60 seconds: a server
that closes just then has them send a request into a closing connection. So it is none of these."""


def uvicorn_config(app: ASGIApp, server: str, report: Report, respond: Respond) -> Config:
    """The uvicorn settings for ``app``: no logging, and no trust in forwarded headers. An
    unexpected error is reported, as one of ``server``, and answered by ``respond``."""
    config = Config(
        Incidents(app, server, report, respond),
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=HEADER_OCTETS,
    )
    config.load()
    # Otherwise uvicorn prints warnings about malformed requests on the terminal.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    return config


class HttpServer:
    """Listeners and connections of one server; ``state`` is shared with uvicorn's protocols."""

    def __init__(self) -> None:
        self.state = ServerState()
        self._servers: list[asyncio.Server] = []

    def add(self, server: asyncio.Server) -> None:
        """Adds a listener; ``close`` closes it."""
        self._servers.append(server)

    def stop_listening(self) -> None:
        """Closes all listeners."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def close(self) -> None:
        """Closes all listeners, lets open requests complete, then aborts the remaining ones."""
        self.stop_listening()
        for connection in list(self.state.connections):
            connection.shutdown()
        if self.state.tasks:
            await asyncio.wait(list(self.state.tasks), timeout=SHUTDOWN_SECONDS)
        self.abort()

    def abort(self) -> None:
        """Closes all listeners and connections immediately."""
        self.stop_listening()
        for connection in list(self.state.connections):
            connection.transport.abort()
