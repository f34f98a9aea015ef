"""The enrollment server: HTTPS beside the engine, in the process of ``keyhole up``."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from uvicorn.protocols.http.h11_impl import H11Protocol

from keyhole.enrollment.application import EnrollmentService, Notify, application
from keyhole.enrollment.error import EnrollmentError
from keyhole.enrollment.throttle import Throttle
from keyhole.identity import CertificateAndKey, ensure_server_certificate
from keyhole.model.address import Endpoint, Network, is_address
from keyhole.model.service import Service
from keyhole.web import Serving, quiet
from keyhole.web.door import Door
from keyhole.web.tcp import shown, tcp_listener


@dataclass(frozen=True)
class Setup:
    """Where it listens, for whom, and what it serves from; ``names`` are for its certificate."""

    folder: Path
    domain: str
    listen: tuple[Endpoint, ...]
    url: str | None
    names: tuple[str, ...]
    networks: Sequence[Network]
    grace: timedelta
    service: Service


class EnrollmentServer:
    """Start it, refresh it now and then, stop it."""

    def __init__(self, setup: Setup, tell: Notify) -> None:
        self._setup = setup
        self._tell = tell
        self._turned = Throttle()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.set_alpn_protocols(["http/1.1"])
        self._shown: bytes | None = None
        self._serving = Serving()
        self._door: Door | None = None
        self.addresses: list[str] = []

    async def start(self) -> None:
        """Listens; raises :class:`EnrollmentError` where it cannot, and ``IdentityError`` when
        there is no certificate for it."""
        self.refresh()
        config = quiet(
            application(
                EnrollmentService(
                    self._setup.folder, self._setup.grace, self._setup.service, self._tell
                )
            )
        )

        def http() -> asyncio.Protocol:
            return H11Protocol(config, self._serving.state, {})

        self._door = Door(self._setup.networks, self._tls, http, self._turn_away)
        loop = asyncio.get_running_loop()
        for endpoint in self._setup.listen:
            listener = _listener(endpoint)
            self.addresses.append(shown(listener))
            self._serving.add(await loop.create_server(self._door, sock=listener))

    def refresh(self) -> None:
        """Shows a new certificate when the one before is past half of its life, or the root is
        another one."""
        setup = self._setup
        named = [urlsplit(setup.url).hostname or ""] if setup.url else []
        listened = [one.address for one in setup.listen if not one.ip.is_unspecified]
        wanted = dict.fromkeys([*named, *listened, *setup.names, "localhost", "127.0.0.1", "::1"])
        material = ensure_server_certificate(
            setup.folder,
            [name for name in wanted if name and not is_address(name)],
            [name for name in wanted if is_address(name)],
            file="enrollment",
            domain=setup.domain,
        )
        self._show(material)

    async def stop(self) -> None:
        """Takes no more connections, lets those under way end, and closes what is left."""
        self._serving.shut()
        if self._door is not None:
            self._door.close()
        await self._serving.close()

    def _show(self, material: CertificateAndKey) -> None:
        octets = material.leaf.tbs_certificate_bytes
        if octets != self._shown:
            # Connections that begin from now on see it.
            self._tls.load_cert_chain(material.certificate, material.key)
            self._shown = octets

    def _turn_away(self, address: str, why: str) -> None:
        if self._turned.failed(address):
            self._tell(False, f"enrollment turned {address} away: {why}")


def _listener(endpoint: Endpoint) -> socket.socket:
    try:
        return tcp_listener(endpoint)
    except OSError as error:
        raise EnrollmentError(
            f"enrollment cannot listen on {endpoint}: {error.strerror}; give another address in "
            "enrollment.listen"
        ) from error
