"""How a step ends a request, and what the steps know of each other."""

from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.pihole.responses import error_response, is_pihole, key_of
from keyhole.api.problem import problem_response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class ClientConnection:
    """From where a request really comes, and whether it was encrypted all the way to us or to a
    proxy that is believed."""

    address: str
    is_encrypted: bool


class ErrorFormat:
    """Has every step further in refuse Pi-hole's clients in the words of Pi-hole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Goes by the path as it came, since what is wrong may be its form."""
        scope.setdefault("state", {})["is_pihole"] = is_pihole(scope["path"])
        await self._app(scope, receive, send)


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    word: str,
    detail: str,
    **headers: str,
) -> None:
    """Answers with a problem, or as Pi-hole would; a name of a header has ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if scope["method"] not in SAFE_METHODS:
        # Nobody reads the body that may still come.
        named["connection"] = "close"
    if scope.get("state", {}).get("is_pihole"):
        said = error_response(status, key_of(status, word), detail, headers=named)
    else:
        said = problem_response(status, word, detail, headers=named)
    await said(scope, receive, send)


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that name, in lower case, if there is one."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
