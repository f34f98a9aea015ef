"""Determines the client address, also behind trusted proxies, and checks its network."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.middleware.errors import refuse
from keyhole.api.middleware.forwarded import read_forwarded
from keyhole.model.address import Network, is_address, is_within

_MAX_HOPS = 16
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
_OF_PROXIES = frozenset(
    {
        b"cf-connecting-ip",
        b"forwarded",
        b"true-client-ip",
        b"via",
        b"x-client-ip",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-forwarded-server",
        b"x-real-ip",
    }
)


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
        if is_within(peer, self._proxies) and not _is_local_program(peer, scope):
            forwarded = self._forwarded(scope)
            if forwarded is None:
                detail = (
                    "the proxy must name the client: http or https in X-Forwarded-Proto, and "
                    "addresses in X-Forwarded-For; or both in Forwarded (RFC 7239), and "
                    "no other client in each"
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
        """The client that a trusted proxy names; ``None`` if that is missing or not valid, or if it
        names one client by its own header and passes on another one's."""
        written = read_forwarded(_values(scope, b"forwarded"))
        hops, schemes = _members(scope, b"x-forwarded-for"), _members(scope, b"x-forwarded-proto")
        if written is None:
            return self._client(hops, schemes)
        client = self._client(*written)
        return client if not (hops or schemes) or client == self._client(hops, schemes) else None

    def _client(self, hops: list[str], schemes: list[str]) -> ClientConnection | None:
        hops = [_without_port(one) for one in hops]
        found = {one.lower() for one in schemes}
        if not found or not found <= {"http", "https"} or not 0 < len(hops) <= _MAX_HOPS:
            return None
        # Each proxy on the way may add one: it is encrypted if every part of the way is.
        is_encrypted = found == {"https"}
        # From the last to the first: each hop is as trustworthy as the proxy that added it.
        for hop in reversed(hops):
            if not is_address(hop):
                return None
            if not is_within(hop, self._proxies):
                return ClientConnection(hop, is_encrypted)
        return ClientConnection(hops[0], is_encrypted)


def _is_local_program(peer: str, scope: Scope) -> bool:
    """Whether a program on this machine asks directly, where a proxy on it is trusted too.

    Every header by which proxies name themselves or a client says that it is a proxy. Then what it
    says must be complete.
    """
    names = {name for name, _ in scope["headers"]}
    return ip_address(peer).is_loopback and not names & _OF_PROXIES


def _members(scope: Scope, wanted: bytes) -> list[str]:
    """The members of a list, over all headers of this name (RFC 9110 section 5.6.1)."""
    found = (one.strip() for value in _values(scope, wanted) for one in value.split(","))
    return [one for one in found if one]


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]


def _without_port(hop: str) -> str:
    """Some proxies write the port of the client too, and IPv6 addresses in brackets."""
    if found := _BRACKETED.fullmatch(hop):
        return found[1]
    address, colon, port = hop.partition(":")
    return address if colon and port.isascii() and port.isdigit() else hop
