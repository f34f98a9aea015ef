"""Control's side of the link, on a Unix socket in the data folder."""

import asyncio
import os
from pathlib import Path

from starlette.requests import Request

from keyhole.http import (
    PEER_PREFIX,
    HttpServer,
    PeerProtocol,
    Report,
    remove_socket,
    unix_listener,
    uvicorn_config,
)
from keyhole.link.application import RefusedError, application, incident_response
from keyhole.link.peer import Peer


class LocalLink:
    """Serves the one engine of this data folder."""

    def __init__(self, path: Path, report: Report) -> None:
        self._path = path
        self._report = report
        self._server = HttpServer()
        self.peer = Peer()

    async def start(self) -> None:
        """Listens; raises ``OSError`` if it cannot."""
        config = uvicorn_config(application(self._find), "link", self._report, incident_response)
        loop = asyncio.get_running_loop()
        self._server.add(
            await loop.create_unix_server(
                lambda: PeerProtocol(config, self._server.state, {}),
                sock=unix_listener(self._path),
            )
        )

    async def stop(self) -> None:
        """Closes the connection; the engine continues to serve."""
        self.peer.disconnect()
        self._server.abort()
        await self._server.close()
        remove_socket(self._path)

    def _find(self, request: Request) -> Peer:
        # The folder mode already excludes other users; this is a second check.
        user = request.client.host if request.client else "nobody"
        if user != f"{PEER_PREFIX}{os.geteuid()}":
            raise RefusedError("the engine must run as the same user as control")
        return self.peer
