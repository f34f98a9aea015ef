"""HTTP on a Unix socket, where the system says who connected."""

import socket
import struct
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from keyhole.system.unix_socket import short_path

PEER_PREFIX = "uid:"
"""What the client of a request begins with, before the number of the user."""
_CREDENTIALS = struct.Struct("3i")


class PeerProtocol(H11Protocol):
    """HTTP/1.1 on a Unix socket; the client of a request is ``uid:N``."""

    def connection_made(self, transport: Any) -> None:
        """Learns from the system who connected."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        octets = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(octets)
        self.client = (f"{PEER_PREFIX}{uid}", pid)


def unix_listener(path: Path) -> socket.socket:
    """A socket that only its user may open, in a folder of the same kind; raises ``OSError``.

    It takes the place of one that a killed process left, so somebody else has to know that no
    other process uses it.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        with short_path(path) as short:
            listener.bind(short)
        path.chmod(0o600)
        listener.listen(64)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
