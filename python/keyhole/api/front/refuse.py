"""How a step ends a request, and what the steps know of each other."""

from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from keyhole.api.problem import problem_response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Visitor:
    """From where a request really comes, and whether it was encrypted all the way to us or to a
    proxy that is believed."""

    address: str
    is_encrypted: bool


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    word: str,
    detail: str,
    **headers: str,
) -> None:
    """Answers with a problem; a name of a header has ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if scope["method"] not in SAFE_METHODS:
        # Nobody reads the body that may still come.
        named["connection"] = "close"
    await problem_response(status, word, detail, headers=named)(scope, receive, send)


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that name, in lower case, if there is one."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
