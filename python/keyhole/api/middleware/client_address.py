"""Determines the client address, also behind trusted proxies, and checks its network."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.middleware.errors import header, refuse
from keyhole.model.address import Network, is_address, is_within

_MAX_HOPS = 16


@dataclass(frozen=True)
class ClientConnection:
    """The real client address of a request, and whether the connection is encrypted up to us or to
    a trusted proxy."""

    address: str
    is_encrypted: bool


class ClientAddress:
    """Determines the real client, and refuses other networks and cleartext."""

    def __init__(
        self, app: ASGIApp, clients: Sequence[Network], trusted_proxies: Sequence[Network]
    ) -> None:
        self._app = app
        self._clients = clients
        self._proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Replaces client and scheme of the request with those of the real client."""
        peer = scope["client"][0] if scope["client"] else ""
        connection = ClientConnection(peer, scope["scheme"] == "https")
        if is_within(peer, self._proxies):
            forwarded = self._forwarded(scope)
            if forwarded is None:
                detail = (
                    "the proxy must name the client: one X-Forwarded-Proto, and addresses "
                    "in X-Forwarded-For"
                )
                await refuse(scope, receive, send, 400, "proxy_not_understood", detail)
                return
            connection = forwarded
        if not is_within(connection.address, self._clients):
            detail = "your address is in none of the networks in api.clients"
            await refuse(scope, receive, send, 403, "network_not_allowed", detail)
            return
        if not connection.is_encrypted and not ip_address(connection.address).is_loopback:
            detail = "this needs https: secrets must not cross a network in cleartext"
            await refuse(scope, receive, send, 403, "not_encrypted", detail)
            return
        port = scope["client"][1] if scope["client"] else 0
        scope["client"] = (connection.address, port)
        scope.setdefault("state", {})
        scope["scheme"] = "https" if connection.is_encrypted else "http"
        await self._app(scope, receive, send)

    def _forwarded(self, scope: Scope) -> ClientConnection | None:
        """The client that a trusted proxy names; ``None`` if that is missing or not valid."""
        hops = [
            one.strip()
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
            for one in value.decode("latin-1").split(",")
        ]
        scheme = header(scope, b"x-forwarded-proto")
        if scheme not in ("http", "https") or not 0 < len(hops) <= _MAX_HOPS:
            return None
        # From the last to the first: each hop is as trustworthy as the proxy that added it.
        for hop in reversed(hops):
            if not is_address(hop):
                return None
            if not is_within(hop, self._proxies):
                return ClientConnection(hop, scheme == "https")
        return ClientConnection(hops[0], scheme == "https")
