"""Checks the Host header, against DNS rebinding."""

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.middleware.errors import header, refuse
from keyhole.model.address import is_address

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")
_ALWAYS = ("localhost", "127.0.0.1", "::1")


class AllowedHosts:
    """Refuses unknown host names. The address of the connection itself is allowed, because no DNS
    name leads to it."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {_plain(one) for one in (*_ALWAYS, *names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Compares names without case, final dot and port; a proxy may use another port."""
        found = _HOST.fullmatch(header(scope, b"host") or "")
        name = _plain(found[1].strip("[]")) if found else ""
        server = scope["server"][0] if scope["server"] else None
        if name in self._names or (is_address(name) and name == server):
            await self._app(scope, receive, send)
            return
        detail = "this server has no such name; an administrator can add it to api.hosts"
        await refuse(scope, receive, send, 421, "host_not_known", detail)


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")
