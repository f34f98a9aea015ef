"""How long an answer may take to begin. What has begun may go on, as a live view does."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyhole.api.middleware.errors import refuse

SECONDS = 120.0


class ResponseTimeout:
    """Answers in place of a route that takes too long; what the route says later is not heard."""

    def __init__(self, app: ASGIApp, limit: float = SECONDS) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Waits for the first word of the answer, and no longer."""
        begun = asyncio.Event()
        is_late = False

        async def heard(message: Message) -> None:
            if not is_late:
                begun.set()
                await send(message)

        # A route that waits in a thread cannot be stopped there, so it is not waited for.
        answer = asyncio.ensure_future(self._app(scope, receive, heard))
        first = asyncio.ensure_future(begun.wait())
        try:
            await asyncio.wait(
                {answer, first}, timeout=self._limit, return_when=asyncio.FIRST_COMPLETED
            )
            if answer.done() or begun.is_set():
                await answer
                return
            is_late = True
            answer.cancel()
            detail = f"there was no answer within {self._limit:.0f} seconds"
            await refuse(scope, receive, send, 503, "took_too_long", detail)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        finally:
            first.cancel()
