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
from keyhole.http import HttpServer, Report, uvicorn_config
from keyhole.http.connection_limiter import (
    NETWORK_REFUSED,
    ConnectionLimiter,
    ConnectionLimits,
    OnRefused,
)
from keyhole.http.network_protocol import NetworkProtocol
from keyhole.http.refusal_notices import RefusalNotices
from keyhole.http.refused_handshakes import NotAdmittedError
from keyhole.http.tcp import display_address, tcp_listeners
from keyhole.identity import IdentityError, ensure_server_certificate, read_trust
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
_NO_ENGINE = "its certificate is not one of an engine that may connect"


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
        """``peers`` are the authorized engines by SPIFFE ID; ``notify`` is called with reasons of
        refusals, ``report`` for each unexpected error."""
        self._setup = setup
        self._peers = peers
        self._service = service
        self._notify = notify
        self._refusals = RefusalNotices(notify)
        self._strangers: set[str] = set()
        self._report = report
        self._on_refused = on_refused
        self._server = HttpServer()
        self._limiters: list[ConnectionLimiter] = []
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
        for listener in tcp_listeners(self._setup.listen, _cannot_listen):
            limiter = ConnectionLimiter(
                self._setup.clients,
                self._tls,
                lambda: CertifiedProtocol(self._admits, config, self._server.state, {}),
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
        # Once per address, and for so many of them: a stranger chooses when to come. They have
        # their own bound, so that they cannot silence what is said of certificates.
        is_new = address not in self._strangers and len(self._strangers) < _MAX_STRANGERS
        if why == NETWORK_REFUSED and is_new:
            self._strangers.add(address)
            self._notify(f"{address} is in none of the networks in link.clients")

    def _find(self, request: Request) -> RemotePeer:
        try:
            return self._authenticate(request.state.certificate)
        except RefusedError as error:
            self._refusals.add(str(error))
            raise

    def _admits(self, certificate: bytes, address: str) -> bool:
        """Whether a new connection may stay. Without this, whoever has any certificate of the
        domain could hold the places of the engines with connections that ask for nothing."""
        try:
            self._authenticate(certificate)
        except (RefusedError, IdentityError, ValueError) as error:
            self._refusals.add(str(error))
            if self._on_refused is not None:
                self._on_refused(address, NotAdmittedError(_NO_ENGINE))
            return False
        return True

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


def _cannot_listen(endpoint: Endpoint, why: str) -> LinkError:
    return LinkError(
        f"the link cannot listen on {endpoint}: {why}; give another address in link.listen"
    )


class CertifiedProtocol(NetworkProtocol):
    """HTTP/1.1 over TLS; each request has the client certificate as DER in its state."""

    def __init__(self, admits: Callable[[bytes, str], bool], *given: Any) -> None:
        """``admits`` says whether a client with this certificate and address may stay connected."""
        super().__init__(*given)
        self._admits = admits
        self._is_admitted = False

    def connection_made(self, transport: Any) -> None:
        """Stores the client certificate; aborts if its owner may not stay."""
        certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.app_state = {"certificate": certificate}
        super().connection_made(transport)
        self._is_admitted = self._admits(certificate, transport.get_extra_info("peername")[0])
        if not self._is_admitted:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Drops what arrived together with the handshake of a client that may not stay."""
        if self._is_admitted:
            super().data_received(data)
