"""The HTTPS server for enrollment."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from keyhole.enrollment.application import (
    EnrollmentService,
    Notify,
    application,
    incident_response,
)
from keyhole.enrollment.error import EnrollmentError
from keyhole.enrollment.refusals import SECONDS
from keyhole.enrollment.throttle import Throttle
from keyhole.http import HttpProtocol, HttpServer, uvicorn_config
from keyhole.http.connection_limiter import ConnectionLimiter, OnRefused
from keyhole.http.tcp import display_address, tcp_listeners
from keyhole.identity import CertificateAndKey, ensure_server_certificate
from keyhole.model.address import Endpoint, Network, is_address
from keyhole.model.service import Service


@dataclass(frozen=True)
class Setup:
    """Listeners, allowed networks and the identity folder; ``names`` are for its certificate."""

    folder: Path
    domain: str
    listen: tuple[Endpoint, ...]
    url: str | None
    names: tuple[str, ...]
    networks: Sequence[Network]
    grace: timedelta
    service: Service


class EnrollmentServer:
    """Call ``start``, then ``refresh`` regularly (certificates expire), then ``stop``."""

    def __init__(self, setup: Setup, notify: Notify, on_refused: OnRefused | None = None) -> None:
        self._setup = setup
        self._on_refused = on_refused
        self._notify = notify
        self._service = EnrollmentService(setup.folder, setup.grace, setup.service, notify)
        self._timer: asyncio.TimerHandle | None = None
        self._rejected = Throttle()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.set_alpn_protocols(["http/1.1"])
        self._leaf: bytes | None = None
        self._server = HttpServer()
        self._limiter: ConnectionLimiter | None = None
        self.addresses: list[str] = []

    async def start(self) -> None:
        """Listens; raises :class:`EnrollmentError` if it cannot, and ``IdentityError`` if it cannot
        get a certificate."""
        self.refresh()
        config = uvicorn_config(
            application(self._service),
            "enrollment server",
            lambda text, details: self._notify(False, "\n".join([text, *details])),
            incident_response,
        )

        def http() -> asyncio.Protocol:
            return HttpProtocol(config, self._server.state, {})

        self._limiter = ConnectionLimiter(
            self._setup.networks, self._tls, http, self._reject, on_refused=self._on_refused
        )
        loop = asyncio.get_running_loop()
        for listener in tcp_listeners(self._setup.listen, _cannot_listen):
            self.addresses.append(display_address(listener))
            self._server.add(await loop.create_server(self._limiter, sock=listener))
        self._timer = loop.call_later(SECONDS, self._sum_up)

    def refresh(self) -> None:
        """Loads a new certificate after half of its lifetime, or if the root has changed."""
        setup = self._setup
        named = [urlsplit(setup.url).hostname or ""] if setup.url else []
        listened = [one.address for one in setup.listen if not one.ip.is_unspecified]
        wanted = dict.fromkeys([*named, *listened, *setup.names, "localhost", "127.0.0.1", "::1"])
        pair = ensure_server_certificate(
            setup.folder,
            [name for name in wanted if name and not is_address(name)],
            [name for name in wanted if is_address(name)],
            file="enrollment",
            domain=setup.domain,
        )
        self._show(pair)

    async def stop(self) -> None:
        """Accepts no more connections, waits for open requests, and closes the rest."""
        self._server.stop_listening()
        if self._limiter is not None:
            self._limiter.close()
        await self._server.close()
        if self._timer is not None:
            self._timer.cancel()
            self._service.refusals.sum_up()

    def _sum_up(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SECONDS, self._sum_up)
        self._service.refusals.sum_up()

    def _show(self, pair: CertificateAndKey) -> None:
        octets = pair.leaf.tbs_certificate_bytes
        if octets != self._leaf:
            # Used for new connections.
            self._tls.load_cert_chain(pair.certificate, pair.key)
            self._leaf = octets

    def _reject(self, address: str, why: str) -> None:
        if self._rejected.failed(address):
            self._notify(False, f"enrollment refused a connection from {address}: {why}")


def _cannot_listen(endpoint: Endpoint, why: str) -> EnrollmentError:
    return EnrollmentError(
        f"enrollment cannot listen on {endpoint}: {why}; give another address in enrollment.listen"
    )
