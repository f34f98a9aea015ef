"""The routes of the link, on control's side."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from keyhole.link.message import POLL, MessageError, Poll
from keyhole.link.peer import Peer

MOST_OCTETS = 4 * 2**20
"""A poll carries counters at most."""


class RefusedError(Exception):
    """Whoever polls is no engine of ours; says why."""


Find = Callable[[Request], Peer]
"""Who polls; raises `RefusedError`."""


def application(find: Find) -> Starlette:
    """Serves engines; ``find`` tells them apart."""

    async def poll(request: Request) -> Response:
        try:
            peer = find(request)
            message = Poll.read(json.loads(await _body(request)))
        except RefusedError as error:
            return JSONResponse({"why": str(error)}, 403)
        except (MessageError, ValueError) as error:
            return JSONResponse({"why": str(error)}, 400)
        peer.take(message)
        return await _commands(request, peer)

    return Starlette(routes=[Route(POLL, poll, methods=["POST"])])


async def _commands(request: Request, peer: Peer) -> Response:
    """Waits for commands, and for the end of the connection."""
    about = peer.about
    work = asyncio.create_task(peer.commands())
    left = asyncio.create_task(_left(request))
    await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, left):
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    if work.cancelled():
        # A poll of a later process may have come first: then it is not this one that left.
        if peer.about is about:
            peer.lose()
        return Response(status_code=499)
    return JSONResponse({"commands": work.result()})


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> bytes:
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > MOST_OCTETS:
            raise MessageError(f"more than {MOST_OCTETS} octets")
    return bytes(octets)
