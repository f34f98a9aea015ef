"""Lets so many requests of one caller be worked on at once; its next ones wait for these.

Requests are worked on by a few threads, and some take seconds. Without a share for each caller, one
who sends slow requests without end would keep all others from being answered.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyhole.model.address import rate_limit_key

MAX_OF_CALLER, MAX_OF_STRANGERS = 12, 4
"""Of a person or token, and of an address whose requests show neither, such as a login."""


class _Places(asyncio.Semaphore):
    users = 0


class FairShare:
    """Runs the application. A response that has begun needs no place any more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._callers: dict[str, _Places] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Waits for a place of the caller, and keeps it until the response begins."""
        who, most = _caller(scope)
        places = self._callers.setdefault(who, _Places(most))
        places.users += 1
        try:
            await places.acquire()
            await self._run(places, scope, receive, send)
        finally:
            places.users -= 1
            if not places.users:
                del self._callers[who]

    async def _run(self, places: _Places, scope: Scope, receive: Receive, send: Send) -> None:
        has_place = True

        def leave() -> None:
            nonlocal has_place
            if has_place:
                has_place = False
                places.release()

        async def forward(message: Message) -> None:
            leave()
            await send(message)

        try:
            await self._app(scope, receive, forward)
        finally:
            leave()


def _caller(scope: Scope) -> tuple[str, int]:
    principal = scope["state"].get("principal")
    if principal is not None:
        return f"{principal.via} {principal.name}", MAX_OF_CALLER
    return rate_limit_key(scope["client"][0]), MAX_OF_STRANGERS
