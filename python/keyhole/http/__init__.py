"""HTTP servers inside of a process that does more than that."""

from keyhole.http.server import HttpServer, uvicorn_config
from keyhole.http.unix import PEER_PREFIX, PeerProtocol, unix_listener

__all__ = ["PEER_PREFIX", "PeerProtocol", "HttpServer", "uvicorn_config", "unix_listener"]
