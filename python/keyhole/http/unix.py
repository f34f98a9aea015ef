"""HTTP on a Unix socket; the kernel reports the user of each client (``SO_PEERCRED``)."""

import errno
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

from keyhole.http.protocol import HttpProtocol
from keyhole.system.unix_socket import is_private, short_path, spare_paths

PEER_PREFIX = "uid:"
"""Prefix of the client address of a request, before the numeric user ID."""
_NOT_WRITABLE = {errno.EROFS, errno.ENOSPC, errno.EDQUOT}
_CREDENTIALS = struct.Struct("3i")


class PeerProtocol(HttpProtocol):
    """HTTP/1.1 on a Unix socket; the client of a request is ``uid:N``."""

    def connection_made(self, transport: Any) -> None:
        """Reads the user and process of the client."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        octets = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(octets)
        self.client = (f"{PEER_PREFIX}{uid}", pid)


def unix_listener(path: Path) -> socket.socket:
    """A listening socket with mode 0600, in a folder with mode 0700; raises ``OSError``.

    It replaces an existing socket, so the caller must make sure that no other process uses it.
    If the folder cannot be written, for example on a read-only disk, the socket is at one of
    `spare_paths`.
    """
    try:
        return _listener(path)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        for spare in spare_paths(path):
            with suppress(OSError):
                spare.parent.mkdir(mode=0o700, exist_ok=True)
                if is_private(spare.parent):
                    return _listener(spare)
        raise


def remove_socket(path: Path) -> None:
    """Removes what `unix_listener` made."""
    for one in (path, *spare_paths(path)):
        with suppress(OSError):
            one.unlink()


def _listener(path: Path) -> socket.socket:
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
