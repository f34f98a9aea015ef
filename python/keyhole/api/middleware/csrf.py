"""Refuses cross-site request forgery: only our own page and programs may change anything."""

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.middleware.errors import SAFE_METHODS, header, refuse
from keyhole.api.pihole import is_pihole

HEADER = "x-keyhole-request"
"""With any value. A page of another origin cannot send it, because we do not allow CORS."""

_PORTS = {"http": "80", "https": "443"}
_OWN_SITES = ("same-origin", "none")
# Media types that another origin may send without a preflight request (Fetch, section 3.2.2).
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")


class CsrfProtection:
    """Refuses unsafe requests that a foreign page may have caused."""

    def __init__(self, app: ASGIApp, *, knows_pihole: bool = False) -> None:
        """``knows_pihole``: clients of Pi-hole's API do not send our header, nor always the right
        media type. They send their session ID in a header instead, which another origin cannot do
        without a preflight request. Pi-hole's API accepts no cookies."""
        self._app = app
        self._knows_pihole = knows_pihole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks headers only, before authentication."""
        refusal = None
        if scope["method"] not in SAFE_METHODS:
            is_program = self._knows_pihole and is_pihole(scope["path"])
            refusal = _foreign_page(scope) or (None if is_program else _no_program(scope))
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, *refusal)


def _foreign_page(scope: Scope) -> tuple[int, str, str] | None:
    origin, site = header(scope, b"origin"), header(scope, b"sec-fetch-site")
    if origin is not None and _plain(origin) != _own(scope):
        return 403, "other_origin", "a page of another origin may change nothing here"
    if site is not None and site not in _OWN_SITES:
        return 403, "other_origin", "a page of another site may change nothing here"
    return None


def _no_program(scope: Scope) -> tuple[int, str, str] | None:
    if header(scope, HEADER.encode()) is None and header(scope, b"authorization") is None:
        return 403, "header_missing", f"send the header {HEADER}, with any value"
    kind = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    length = header(scope, b"content-length")
    has_body = length not in (None, "0") or header(scope, b"transfer-encoding") is not None
    if kind in _FORMS or (has_body and not kind):
        return 415, "media_type_not_taken", "send application/json"
    return None


def _own(scope: Scope) -> str:
    return _plain(f"{scope['scheme']}://{header(scope, b'host')}")


def _plain(origin: str) -> str:
    scheme, _, rest = origin.lower().partition("://")
    return f"{scheme}://{rest.removesuffix(':' + _PORTS.get(scheme, ''))}"
