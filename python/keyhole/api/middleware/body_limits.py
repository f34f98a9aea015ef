"""Limits the size, the nesting and the transfer time of a body."""

import asyncio
import re
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyhole.api.middleware.errors import header, refuse
from keyhole.model.units import MIB, show_octets

MAX_OCTETS = 1 * MIB
LARGER_LIMITS: Mapping[str, int] = {
    "/api/v1/documents": 8 * MIB,
    "/api/v1/lists/preview": 8 * MIB,
}
"""Larger limits by path prefix, for many documents at once and for the entries of a list."""

STREAMED = "/api/v1/imports/"
"""What lies below it reads its body by itself, as a file and with a limit of its own: the body is
no JSON, and too large for memory."""

MAX_DEPTH = 32
SECONDS = 30.0
# Larger bodies are checked in a thread, to keep the event loop responsive.
_SMALL = 64 * 1024
# Matches whole or truncated strings too, so brackets inside strings do not count.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class BodyLimits:
    """Reads and checks the whole body before the routes get it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a body once it exceeds the limit, even if Content-Length is smaller."""
        if scope["path"].startswith(STREAMED):
            await self._app(scope, receive, send)
            return
        larger = (size for path, size in LARGER_LIMITS.items() if scope["path"].startswith(path))
        limit = next(larger, MAX_OCTETS)
        try:
            async with asyncio.timeout(SECONDS):
                body = await _read(scope, receive, limit)
        except TimeoutError:
            detail = f"the body did not arrive within {SECONDS:.0f} seconds"
            await refuse(scope, receive, send, 408, "too_slow", detail)
            return
        except ClientDisconnect:
            return
        if body is None:
            detail = f"a body has at most {show_octets(limit)} here"
            await refuse(scope, receive, send, 413, "too_large", detail)
            return
        is_deep = (
            is_too_deep(body) if len(body) < _SMALL else await run_in_threadpool(is_too_deep, body)
        )
        if is_deep:
            detail = f"a body is nested at most {MAX_DEPTH} deep"
            await refuse(scope, receive, send, 400, "too_deep", detail)
            return
        await self._app(scope, _replay(body, receive), send)


def is_too_deep(body: bytes) -> bool:
    """Whether brackets are nested deeper than ``MAX_DEPTH``."""
    depth = 0
    for token in _TOKEN.finditer(body):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif first in b"]}":
            depth -= 1
    return False


async def _read(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    length = header(scope, b"content-length")
    if length is not None and (not length.isdecimal() or int(length[:20]) > limit):
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
