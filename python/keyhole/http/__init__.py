"""HTTP servers that run inside another process, on TCP and on Unix sockets."""

from keyhole.http.incidents import Report, incident_id, incident_text
from keyhole.http.protocol import HttpProtocol
from keyhole.http.server import HttpServer, uvicorn_config
from keyhole.http.unix import PEER_PREFIX, PeerProtocol, remove_socket, unix_listener

__all__ = [
    "PEER_PREFIX",
    "HttpProtocol",
    "HttpServer",
    "PeerProtocol",
    "Report",
    "incident_id",
    "incident_text",
    "remove_socket",
    "unix_listener",
    "uvicorn_config",
]
