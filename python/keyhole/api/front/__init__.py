"""What stands before the routes for whoever comes over the network: each step refuses or passes on.

Pure ASGI. Commands on this machine come by the socket and pass none of it.
"""

from keyhole.api.front.door import Rules, front_door

__all__ = ["Rules", "front_door"]
