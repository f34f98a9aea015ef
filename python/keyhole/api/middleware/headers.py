"""Security headers of every response: no foreign scripts, no frames, sniffing or embedding."""

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_API = "/api/"
_NO_FRAMES: Final = "frame-ancestors 'none'; base-uri 'none'"
API_POLICY: Final = f"default-src 'none'; form-action 'none'; {_NO_FRAMES}"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    f"form-action 'self'; {_NO_FRAMES}; "
    "require-trusted-types-for 'script'; trusted-types svelte-trusted-html keyhole-worker"
)
"""For our own page: only files of the same origin, nothing inline, and no text that becomes markup
or code, except what the page's compiled components are made of."""

_YEAR_SECONDS = 365 * 24 * 60 * 60
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class SecureHeaders:
    """Sets the security headers, replacing those of a route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes HTTP requests on, and drops everything else."""
        if scope["type"] != "http":
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", [])
                ours = _headers(scope, given)
                kept = [one for one in given if one[0].lower() not in ours]
                message = {**message, "headers": [*kept, *ours.items()]}
            await send(message)

        await self._app(scope, receive, secured)


def _headers(scope: Scope, given: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    is_api = scope["path"].startswith(_API)
    headers = {**_HEADERS, "content-security-policy": API_POLICY if is_api else PAGE_POLICY}
    # Only the files of the page may be kept by a browser, each as it says.
    if is_api or not any(name.lower() == b"cache-control" for name, _ in given):
        headers["cache-control"] = "no-store"
    if scope["scheme"] == "https":
        headers["strict-transport-security"] = f"max-age={_YEAR_SECONDS}"
    return {name.encode(): value.encode() for name, value in headers.items()}
