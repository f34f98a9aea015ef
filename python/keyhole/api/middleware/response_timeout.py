"""Limits the time until a response begins. A response that has begun may continue."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyhole.api.middleware.errors import refuse

SECONDS = 120.0


class ResponseTimeout:
    """Responds with 503 if a route takes too long, and ignores its later response."""

    def __init__(self, app: ASGIApp, limit: float = SECONDS) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Waits until the response begins or the limit is reached."""
        begun = asyncio.Event()
        is_late = False

        async def forward(message: Message) -> None:
            if not is_late:
                begun.set()
                await send(message)

        # A route in a thread cannot be stopped, so this does not wait for it.
        response = asyncio.ensure_future(self._app(scope, receive, forward))
        first = asyncio.ensure_future(begun.wait())
        try:
            await asyncio.wait(
                {response, first}, timeout=self._limit, return_when=asyncio.FIRST_COMPLETED
            )
            if response.done() or begun.is_set():
                await response
                return
            is_late = True
            response.cancel()
            detail = f"there was no answer within {self._limit:.0f} seconds"
            await refuse(scope, receive, send, 503, "took_too_long", detail)
        except asyncio.CancelledError:
            response.cancel()
            raise
        finally:
            first.cancel()
