"""HTTP servers inside of a process that does more than that."""

from keyhole.web.serving import Serving, quiet
from keyhole.web.unix import PEER, PeerProtocol, unix_listener

__all__ = ["PEER", "PeerProtocol", "Serving", "quiet", "unix_listener"]
