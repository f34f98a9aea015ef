"""ASGI middleware for requests from the network: each step refuses a request or passes it on.

Requests on the Unix socket of this machine do not go through it.
"""

from keyhole.api.middleware.stack import NetworkAccess, middleware_stack

__all__ = ["NetworkAccess", "middleware_stack"]
