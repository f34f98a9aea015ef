"""Where the API listens on the network: sockets, and what they show of themselves."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from keyhole.config.resolve import Api
from keyhole.config.sections.api import ApiSection, api_names
from keyhole.control.error import ControlError
from keyhole.http.connection_limiter import ConnectionLimiter, ConnectionLimits
from keyhole.http.tcp import display_address, tcp_listener
from keyhole.identity import CertificateAndKey, ensure_server_certificate, read_certificate_and_key
from keyhole.model.address import Endpoint, Network

LIMITS = ConnectionLimits(connections=512, per_address=64, unserved=16, seconds=None)


@dataclass
class Listener:
    """A socket that is bound, and whether it speaks TLS."""

    endpoint: Endpoint
    socket: socket.socket
    is_encrypted: bool

    @property
    def url(self) -> str:
        """How a browser calls it."""
        scheme = "https" if self.is_encrypted else "http"
        return f"{scheme}://{display_address(self.socket)}"

    @property
    def is_here(self) -> bool:
        """Whether only this machine reaches it."""
        return self.endpoint.ip.is_loopback


def bind(api: ApiSection) -> list[Listener]:
    """Takes all addresses, or raises `ControlError` and takes none."""
    taken: list[Listener] = []
    try:
        for endpoint in api.listen:
            taken.append(Listener(endpoint, _bind(endpoint), api.is_encrypted(endpoint)))
    except ControlError:
        release(taken)
        raise
    return taken


def release(listeners: Sequence[Listener]) -> None:
    """Gives the addresses back."""
    for one in listeners:
        one.socket.close()


class Certificate:
    """The certificate of the API, in one TLS context that goes on when it is renewed."""

    def __init__(self, api: Api, folder: Path, domain: str) -> None:
        self._api = api
        self._folder = folder
        self._domain = domain
        self._shown: bytes | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])

    def refresh(self) -> None:
        """Shows the certificate that is good now; raises ``IdentityError`` where there is none."""
        material = self._material()
        octets = material.leaf.tbs_certificate_bytes
        if octets != self._shown:
            self.context.load_cert_chain(material.certificate, material.key)
            self._shown = octets

    def _material(self) -> CertificateAndKey:
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
) -> ConnectionLimiter:
    """Counts the connections of one listener, and encrypts them."""
    served: list[Network] = [*api.clients, *api.trusted_proxies]
    tls = certificate.context if listener.is_encrypted else None
    return ConnectionLimiter(served, tls, protocol, lambda _address, _why: None, LIMITS)


def _bind(endpoint: Endpoint) -> socket.socket:
    try:
        return tcp_listener(endpoint)
    except OSError as error:
        raise ControlError(
            f"the API cannot listen on {endpoint}: {error.strerror}; give another address in "
            "api.listen, or [] for none"
        ) from error
