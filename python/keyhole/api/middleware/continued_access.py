"""Ends a long response when its caller may not have it any more.

Event streams and downloads go on for as long as a client likes. Their caller was authenticated when
they began: a session may end meanwhile, and a token may be revoked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyhole.api.middleware.errors import refuse

CHECK_SECONDS = 1.0


class ContinuedAccess:
    """Runs the application, and asks every second whether the caller still has access."""

    def __init__(self, app: ASGIApp, has_access: Callable[[Scope], Awaitable[bool]]) -> None:
        self._app = app
        self._has_access = has_access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cuts the response off, or refuses it if it has not begun."""
        has_begun = False

        async def forward(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        response = asyncio.ensure_future(self._app(scope, receive, forward))
        try:
            while not (await asyncio.wait({response}, timeout=CHECK_SECONDS))[0]:
                if not await self._has_access(scope):
                    break
            else:
                return await response
        except asyncio.CancelledError:
            response.cancel()
            raise
        response.cancel()
        with suppress(asyncio.CancelledError):
            await response
        if not has_begun:
            detail = "your access has ended meanwhile"
            await refuse(scope, receive, send, 401, "not_authenticated", detail)
        # Else the server closes the connection: a response that just ends would look complete.
        return None
