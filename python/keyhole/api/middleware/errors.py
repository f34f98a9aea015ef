"""Error responses of the middleware, and helpers that its steps share."""

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.pihole.responses import error_response, is_pihole, key_of
from keyhole.api.problem import problem_response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ErrorFormat:
    """Makes the inner steps refuse requests to Pi-hole's API in its error format."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Uses the path before any check, because its syntax may be the error."""
        scope.setdefault("state", {})["is_pihole"] = is_pihole(scope["path"])
        await self._app(scope, receive, send)


async def refuse(
    scope: Scope, receive: Receive, send: Send, status: int, word: str, detail: str, **headers: str
) -> None:
    """Responds with a problem or a Pi-hole error; header names have ``_`` in place of ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if scope["method"] not in SAFE_METHODS:
        # The body may be unread.
        named["connection"] = "close"
    if scope.get("state", {}).get("is_pihole"):
        response = error_response(status, key_of(status, word), detail, headers=named)
    else:
        response = problem_response(status, word, detail, headers=named)
    await response(scope, receive, send)


def header(scope: Scope, name: bytes) -> str | None:
    """The first header with this lower-case name, if any."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
