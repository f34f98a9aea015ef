"""The network listeners of the API: sockets, certificate and connection limits."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from keyhole.config.resolve import Api
from keyhole.config.sections.api import ApiSection, api_names
from keyhole.control.error import ControlError
from keyhole.control.parts import API, Parts
from keyhole.http.connection_limiter import ConnectionLimiter, ConnectionLimits, OnRefused
from keyhole.http.tcp import display_address, tcp_listener
from keyhole.identity import CertificateAndKey, ensure_server_certificate, read_certificate_and_key
from keyhole.model.address import Endpoint, Network

LIMITS = ConnectionLimits(connections=512, per_address=64, unserved=16, seconds=None)


@dataclass
class Listener:
    """A bound socket, and whether it uses TLS."""

    endpoint: Endpoint
    socket: socket.socket
    is_encrypted: bool

    @property
    def url(self) -> str:
        """The URL for a browser."""
        scheme = "https" if self.is_encrypted else "http"
        return f"{scheme}://{display_address(self.socket)}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.endpoint.ip.is_loopback


def bind(api: ApiSection) -> list[Listener]:
    """Binds all addresses; raises `ControlError` and binds none if one fails."""
    bound: list[Listener] = []
    try:
        for endpoint in api.listen:
            bound.append(Listener(endpoint, _bind(endpoint), api.is_encrypted(endpoint)))
    except ControlError:
        release(bound)
        raise
    return bound


def bind_usable(api: ApiSection, parts: Parts) -> list[Listener]:
    """As `bind`; an error is only recorded, and none is bound: DNS and the commands on this machine
    need no listener."""
    try:
        return bind(api)
    except ControlError as error:
        parts.fail(API, not_served(error))
        return []


def not_served(error: Exception) -> str:
    """What goes on without the listeners."""
    return f"{error}\nit is tried again; commands on this machine work"


def release(listeners: Sequence[Listener]) -> None:
    """Closes the sockets."""
    for one in listeners:
        one.socket.close()


class Certificate:
    """The TLS context of the API, which stays the same when the certificate is renewed."""

    def __init__(self, api: Api, folder: Path, domain: str) -> None:
        self._api = api
        self._folder = folder
        self._domain = domain
        self._loaded: bytes | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])

    def refresh(self) -> None:
        """Loads the current certificate; raises ``IdentityError`` if there is none."""
        pair = self._pair()
        octets = pair.leaf.tbs_certificate_bytes
        if octets != self._loaded:
            self.context.load_cert_chain(pair.certificate, pair.key)
            self._loaded = octets

    def _pair(self) -> CertificateAndKey:
        if self._api.certificate is not None and self._api.key is not None:
            return read_certificate_and_key(self._api.certificate, self._api.key)
        names, addresses = api_names(self._api.written)
        return ensure_server_certificate(
            self._folder, names, addresses, file="api", domain=self._domain
        )


def limiter_for(
    api: ApiSection,
    listener: Listener,
    certificate: Certificate,
    protocol: Callable[[], asyncio.Protocol],
    on_refused: OnRefused,
) -> ConnectionLimiter:
    """The connection limiter of one listener."""
    served: list[Network] = [*api.clients, *api.trusted_proxies]
    tls = certificate.context if listener.is_encrypted else None
    return ConnectionLimiter(served, tls, protocol, lambda _address, _why: None, LIMITS, on_refused)


def _bind(endpoint: Endpoint) -> socket.socket:
    try:
        return tcp_listener(endpoint)
    except OSError as error:
        who = "keyhole doctor says who has it, or " if error.errno == errno.EADDRINUSE else ""
        raise ControlError(
            f"the API cannot listen on {endpoint}: {error.strerror}; {who}give another address in "
            "api.listen, or [] for none"
        ) from error
