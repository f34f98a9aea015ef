"""Control's side of the link for engines on other machines: mutual TLS, SPIFFE IDs."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from starlette.requests import Request

from keyhole.errors import KeyholeError
from keyhole.http import HttpProtocol, HttpServer, Report, uvicorn_config
from keyhole.http.connection_limiter import (
    NETWORK_REFUSED,
    ConnectionLimiter,
    ConnectionLimits,
    OnRefused,
)
from keyhole.http.tcp import display_address, tcp_listener
from keyhole.identity import ensure_server_certificate, read_trust
from keyhole.identity.renewal import spiffe_id_of
from keyhole.identity.revoked import read_revoked
from keyhole.link.application import (
    RefusedError,
    RemoteEngineService,
    application,
    incident_response,
)
from keyhole.link.remote_peer import RemotePeer
from keyhole.model.address import Endpoint, Network, is_address

LIMITS = ConnectionLimits(connections=256, per_address=64, seconds=None)
_MAX_STRANGERS = 256


class LinkError(KeyholeError):
    """The link cannot be served."""


@dataclass(frozen=True)
class Setup:
    """The authority's folder and domain, the addresses, the names for its certificate, and the
    networks of the engines."""

    folder: Path
    domain: str
    listen: Sequence[Endpoint]
    names: Sequence[str]
    clients: Sequence[Network]


class NetworkLink:
    """Call ``start``, then ``refresh`` regularly (certificates expire), then ``stop``."""

    def __init__(
        self,
        setup: Setup,
        peers: Mapping[str, RemotePeer],
        service: RemoteEngineService,
        notify: Callable[[str], None],
        report: Report,
        on_refused: OnRefused | None = None,
    ) -> None:
        """``peers`` are the authorized engines by SPIFFE ID; ``notify`` is called with the reason
        of each refusal, ``report`` for each unexpected error."""
        self._setup = setup
        self._peers = peers
        self._service = service
        self._notify = notify
        self._report = report
        self._on_refused = on_refused
        self._server = HttpServer()
        self._limiters: list[ConnectionLimiter] = []
        self._strangers: set[str] = set()
        self._seen: object = None
        self._tls: ssl.SSLContext | None = None
        self.addresses: list[str] = []

    async def start(self) -> None:
        """Listens; raises `LinkError` or ``IdentityError`` if it cannot."""
        self.refresh()
        config = uvicorn_config(
            application(self._find, self._service), "link", self._report, incident_response
        )
        loop = asyncio.get_running_loop()
        for endpoint in self._setup.listen:
            try:
                listener = tcp_listener(endpoint)
            except OSError as error:
                raise LinkError(
                    f"the link cannot listen on {endpoint}: {error.strerror}; give another address "
                    "in link.listen"
                ) from error
            limiter = ConnectionLimiter(
                self._setup.clients,
                self._tls,
                lambda: CertifiedProtocol(config, self._server.state, {}),
                self._refuse_address,
                LIMITS,
                self._on_refused,
            )
            self._limiters.append(limiter)
            self.addresses.append(display_address(listener))
            self._server.add(await loop.create_server(limiter, sock=listener))

    def refresh(self) -> None:
        """Renews the server certificate after half of its lifetime; reloads the trusted roots."""
        names = dict.fromkeys([*self._setup.names, "localhost", "127.0.0.1", "::1"])
        pair = ensure_server_certificate(
            self._setup.folder,
            [name for name in names if not is_address(name)],
            [name for name in names if is_address(name)],
            file="link",
            domain=self._setup.domain,
        )
        bundle = read_trust(self._setup.folder, self._setup.domain).bundle_pem
        seen = (pair.leaf.tbs_certificate_bytes, bundle)
        if seen == self._seen:
            return
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        tls.set_alpn_protocols(["http/1.1"])
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(cadata=bundle)
        tls.load_cert_chain(pair.certificate, pair.key)
        self._tls, self._seen = tls, seen
        for limiter in self._limiters:
            limiter.set_tls(tls)

    async def stop(self) -> None:
        """Closes all connections; the engines continue to serve."""
        for limiter in self._limiters:
            limiter.close()
        self._server.abort()
        await self._server.close()

    def _refuse_address(self, address: str, why: str) -> None:
        # Once per address, and for so many of them: a stranger chooses when to come.
        is_new = address not in self._strangers and len(self._strangers) < _MAX_STRANGERS
        if why == NETWORK_REFUSED and is_new:
            self._strangers.add(address)
            self._notify(f"{address} is in none of the networks in link.clients")

    def _find(self, request: Request) -> RemotePeer:
        try:
            return self._authenticate(request.state.certificate)
        except RefusedError as error:
            self._notify(str(error))
            raise

    def _authenticate(self, certificate: bytes) -> RemotePeer:
        """Checks expiry and revocation for each request, since connections are long-lived.

        TLS has verified the chain and the possession of the key.
        """
        leaf = x509.load_der_x509_certificate(certificate)
        spiffe = spiffe_id_of(leaf)
        if spiffe is None:
            raise RefusedError("the certificate names no SPIFFE ID")
        peer = self._peers.get(spiffe)
        if peer is None:
            raise RefusedError(f"{spiffe} is not in link.engines")
        if not leaf.not_valid_before_utc <= datetime.now(UTC) <= leaf.not_valid_after_utc:
            raise RefusedError(f"the certificate of {spiffe} has expired")
        if read_revoked(self._setup.folder).has(
            spiffe, f"{leaf.serial_number:x}", leaf.not_valid_before_utc
        ):
            raise RefusedError(f"{spiffe} is revoked")
        return peer


class CertifiedProtocol(HttpProtocol):
    """HTTP/1.1 over TLS; each request has the client certificate as DER in its state."""

    def connection_made(self, transport: Any) -> None:
        """Stores the client certificate."""
        tls = transport.get_extra_info("ssl_object")
        self.app_state = {"certificate": tls.getpeercert(binary_form=True)}
        super().connection_made(transport)
