"""What stands before the routes for whoever comes over the network: each step refuses or passes on.

Pure ASGI. Commands on this machine come by the socket and pass none of it.
"""

from keyhole.api.middleware.stack import NetworkAccess, middleware_stack

__all__ = ["NetworkAccess", "middleware_stack"]
