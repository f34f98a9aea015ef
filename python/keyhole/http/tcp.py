"""Listening TCP sockets."""

import socket
from collections.abc import Callable, Sequence

from keyhole.model.address import Endpoint

_BACKLOG = 256


def tcp_listener(endpoint: Endpoint) -> socket.socket:
    """A socket that listens on ``endpoint``, on a free port if it has none; raises ``OSError``."""
    family = socket.AF_INET6 if endpoint.ip.version == 6 else socket.AF_INET
    # asyncio disables Nagle's algorithm only if the protocol is explicit; else answers wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((endpoint.address, endpoint.port or 0))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def tcp_listeners(
    endpoints: Sequence[Endpoint], error_of: Callable[[Endpoint, str], Exception]
) -> list[socket.socket]:
    """A socket for each endpoint, or none at all: whoever tries again must not find its own.

    Raises ``error_of`` the first endpoint that cannot be had, and why.
    """
    bound: list[socket.socket] = []
    for endpoint in endpoints:
        try:
            bound.append(tcp_listener(endpoint))
        except OSError as error:
            for one in bound:
                one.close()
            raise error_of(endpoint, error.strerror or str(error)) from error
    return bound


def display_address(listener: socket.socket) -> str:
    """The socket's address and port as text, such as ``[::1]:8080``."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
