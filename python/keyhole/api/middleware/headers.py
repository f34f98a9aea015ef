"""Headers of every answer, whatever it is: nothing may run, frame, sniff, keep or embed it."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_API = "/api/"
_NOWHERE: Final = "frame-ancestors 'none'; base-uri 'none'"
API_POLICY: Final = f"default-src 'none'; form-action 'none'; {_NOWHERE}"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    f"font-src 'self'; connect-src 'self'; form-action 'self'; {_NOWHERE}; "
    "require-trusted-types-for 'script'"
)
"""For a page of ours: its own files alone, and no script that stands in it."""

_YEAR_SECONDS = 365 * 24 * 60 * 60
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class SecureHeaders:
    """Adds them, in place of what a route may have said."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on; what is no HTTP ends here."""
        if scope["type"] != "http":
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                wanted = _wanted(scope)
                kept = [one for one in message.get("headers", []) if one[0].lower() not in wanted]
                message = {**message, "headers": [*kept, *wanted.items()]}
            await send(message)

        await self._app(scope, receive, dressed)


def _wanted(scope: Scope) -> dict[bytes, bytes]:
    policy = API_POLICY if scope["path"].startswith(_API) else PAGE_POLICY
    headers = {**_ALWAYS, "content-security-policy": policy}
    if scope["scheme"] == "https":
        headers["strict-transport-security"] = f"max-age={_YEAR_SECONDS}"
    return {name.encode(): value.encode() for name, value in headers.items()}
