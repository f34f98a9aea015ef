"""Connects only to addresses that were checked.

TLS still uses the host's name, for SNI and for the certificate. The address is resolved and checked
once, so that a second lookup cannot return another one (DNS rebinding).
"""

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpcore2

from keyhole.lists.download.addresses import AddressGuard
from keyhole.lists.download.error import DownloadError


class CheckedBackend(httpcore2.NetworkBackend):
    """Opens TCP connections for the HTTP library."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._system = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connects to the first address of the host that accepts."""
        problem: Exception | None = None
        for address in self._guard.addresses(host, port):
            try:
                return self._system.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                problem = error
        assert problem is not None
        raise problem


def download_context(ca: Path | None) -> ssl.SSLContext:
    """How servers of lists are verified; ``ca`` is a file with additional roots. Raises
    `DownloadError` where it cannot be read."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as error:
            raise DownloadError(f"cannot read downloads.ca {ca}: {error}") from error
    return context


def pool(guard: AddressGuard, context: ssl.SSLContext) -> httpcore2.ConnectionPool:
    """A connection pool for one exchange with a server that ``guard`` allows."""
    return httpcore2.ConnectionPool(
        ssl_context=context, network_backend=CheckedBackend(guard), max_connections=1, http2=False
    )
