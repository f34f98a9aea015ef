"""uvicorn's protocols on listeners of our own, without its process around them."""

import asyncio
import logging

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

SHUTDOWN_SECONDS = 3.0
"""How long requests that are under way may take at the end."""
_HEADER_OCTETS = 16 * 1024


def uvicorn_config(app: ASGIApp) -> Config:
    """How ``app`` is served: silently, and without believing any header about the client."""
    config = Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        h11_max_incomplete_event_size=_HEADER_OCTETS,
    )
    config.load()
    # What strangers send would otherwise reach the terminal, line by line.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    return config


class HttpServer:
    """Listeners and connections of one server; ``state`` is what uvicorn's protocols want."""

    def __init__(self) -> None:
        self.state = ServerState()
        self._servers: list[asyncio.Server] = []

    def add(self, server: asyncio.Server) -> None:
        """Remembers a listener, to be closed with the rest."""
        self._servers.append(server)

    def shut(self) -> None:
        """Takes no more connections."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def close(self) -> None:
        """Takes no more connections, lets those under way end, and closes what is left."""
        self.shut()
        for connection in list(self.state.connections):
            connection.shutdown()
        if self.state.tasks:
            await asyncio.wait(list(self.state.tasks), timeout=SHUTDOWN_SECONDS)
        self.hang_up()

    def hang_up(self) -> None:
        """Ends everything at once."""
        self.shut()
        for connection in list(self.state.connections):
            connection.transport.abort()
