"""Security headers of every response: no scripts, frames, sniffing, caching or embedding."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_API = "/api/"
_NO_FRAMES: Final = "frame-ancestors 'none'; base-uri 'none'"
API_POLICY: Final = f"default-src 'none'; form-action 'none'; {_NO_FRAMES}"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    f"font-src 'self'; connect-src 'self'; form-action 'self'; {_NO_FRAMES}; "
    "require-trusted-types-for 'script'"
)
"""For our own pages: only files of the same origin, and no inline scripts."""

_YEAR_SECONDS = 365 * 24 * 60 * 60
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
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
                ours = _headers(scope)
                kept = [one for one in message.get("headers", []) if one[0].lower() not in ours]
                message = {**message, "headers": [*kept, *ours.items()]}
            await send(message)

        await self._app(scope, receive, secured)


def _headers(scope: Scope) -> dict[bytes, bytes]:
    policy = API_POLICY if scope["path"].startswith(_API) else PAGE_POLICY
    headers = {**_HEADERS, "content-security-policy": policy}
    if scope["scheme"] == "https":
        headers["strict-transport-security"] = f"max-age={_YEAR_SECONDS}"
    return {name.encode(): value.encode() for name, value in headers.items()}
