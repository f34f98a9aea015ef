"""From where a request comes: a proxy is believed where it is listed, and networks are let in."""

from collections.abc import Sequence
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.middleware.errors import ClientConnection, header, refuse
from keyhole.model.address import Network, is_address, is_within

_MAX_HOPS = 16


class ClientAddress:
    """Finds out who visits, and refuses networks that are not let in."""

    def __init__(
        self, app: ASGIApp, clients: Sequence[Network], trusted_proxies: Sequence[Network]
    ) -> None:
        self._app = app
        self._clients = clients
        self._proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Puts the visitor into the state; client and scheme are from then on the visitor's."""
        peer = scope["client"][0] if scope["client"] else ""
        visitor = ClientConnection(peer, scope["scheme"] == "https")
        if is_within(peer, self._proxies):
            told = self._told(scope)
            if told is None:
                detail = (
                    "the proxy has to say for whom it asks: one X-Forwarded-Proto, and addresses "
                    "in X-Forwarded-For"
                )
                await refuse(scope, receive, send, 400, "proxy_not_understood", detail)
                return
            visitor = told
        if not is_within(visitor.address, self._clients):
            detail = "your address is in none of the networks in api.clients"
            await refuse(scope, receive, send, 403, "network_not_allowed", detail)
            return
        if not visitor.is_encrypted and not ip_address(visitor.address).is_loopback:
            detail = "this needs https: secrets do not cross a network in the clear"
            await refuse(scope, receive, send, 403, "not_encrypted", detail)
            return
        port = scope["client"][1] if scope["client"] else 0
        scope["client"] = (visitor.address, port)
        scope["scheme"] = "https" if visitor.is_encrypted else "http"
        scope.setdefault("state", {})["visitor"] = visitor
        await self._app(scope, receive, send)

    def _told(self, scope: Scope) -> ClientConnection | None:
        """Whom a believed proxy names; none where it does not, or nobody can be sure."""
        hops = [
            one.strip()
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
            for one in value.decode("latin-1").split(",")
        ]
        scheme = header(scope, b"x-forwarded-proto")
        if scheme not in ("http", "https") or not 0 < len(hops) <= _MAX_HOPS:
            return None
        # From the last on: each hop was written by the one behind it, as far as those are believed.
        for hop in reversed(hops):
            if not is_address(hop):
                return None
            if not is_within(hop, self._proxies):
                return ClientConnection(hop, scheme == "https")
        return ClientConnection(hops[0], scheme == "https")
