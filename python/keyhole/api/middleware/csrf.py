"""Requests that change something come from our own page or from a program, never from a page of
somebody else (cross-site request forgery)."""

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.middleware.errors import SAFE_METHODS, header, refuse
from keyhole.api.pihole import is_pihole

HEADER = "x-keyhole-request"
"""Any value will do: a page of another origin cannot send it, since there is no CORS here."""

_PORTS = {"http": "80", "https": "443"}
_OURS = ("same-origin", "none")
# What a form or a script of another origin may send without asking first (Fetch, section 3.2.2).
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")


class CsrfProtection:
    """Refuses what a browser may have been tricked into."""

    def __init__(self, app: ASGIApp, *, knows_pihole: bool = False) -> None:
        """``knows_pihole``: clients of Pi-hole's API send neither our header nor always the right
        media type. They send the number of their seat in a header instead, which no page of another
        origin can do without asking first; and nothing there believes a cookie."""
        self._app = app
        self._knows_pihole = knows_pihole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judges by headers alone, before anybody is believed."""
        wrong = None
        if scope["method"] not in SAFE_METHODS:
            is_program = self._knows_pihole and is_pihole(scope["path"])
            wrong = _elsewhere(scope) or (None if is_program else _wrong(scope))
        if wrong is None:
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, *wrong)


def _elsewhere(scope: Scope) -> tuple[int, str, str] | None:
    origin, site = header(scope, b"origin"), header(scope, b"sec-fetch-site")
    if origin is not None and _plain(origin) != _own(scope):
        return 403, "other_origin", "a page of another origin may change nothing here"
    if site is not None and site not in _OURS:
        return 403, "other_origin", "a page of another site may change nothing here"
    return None


def _wrong(scope: Scope) -> tuple[int, str, str] | None:
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
