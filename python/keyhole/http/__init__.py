"""HTTP servers that run inside another process, on TCP and on Unix sockets."""

from keyhole.http.server import HttpServer, uvicorn_config
from keyhole.http.unix import PEER_PREFIX, PeerProtocol, unix_listener

__all__ = ["PEER_PREFIX", "HttpServer", "PeerProtocol", "unix_listener", "uvicorn_config"]
