"""The HTTP routes of the link, served by control."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from keyhole.http import incident_text
from keyhole.link.message import COUNTS, EVENTS, OFFER, POLL, MessageError, Poll
from keyhole.link.peer import Peer
from keyhole.link.remote_peer import Offer, RemotePeer

MAX_POLL_OCTETS = 4 * 2**20
"""Largest body of a poll in octets; results contain at most counters."""
MAX_LOG_OCTETS = 32 * 2**20
"""Largest part of a query log in one request, in octets."""

BODY_SECONDS = 60.0
"""How long each further `BODY_STEP` octets of a body may take. Not the whole body: a slow line
needs minutes for a part of a query log, and is honest all the same."""
BODY_STEP = 64 * 2**10
"""So much must come within `BODY_SECONDS`, in octets: at least 9 kbit/s."""
MAX_BODIES = 4
"""So many bodies of one route may be on their way from one engine; it sends one after another."""

CHECK_SECONDS = 1.0
"""How often a download asks again whether its engine is still authorized."""

_PIECE_OCTETS = 64 * 2**10


class RefusedError(Exception):
    """The client is not an authorized engine; the message says why."""


class RemoteEngineService(Protocol):
    """Serves engines on other machines: snapshots to them, query logs from them."""

    @property
    def offer(self) -> Offer | None:
        """The current offer; ``None`` before the first one."""

    async def position(self, engine: str) -> dict[str, Any] | None:
        """The position up to which an engine's query log has been received."""

    async def store_lines(self, engine: str, spool: str, offset: int, lines: bytes) -> None:
        """Stores lines of its query log that end at ``offset``; raises ``ValueError`` if they are
        not accepted."""

    async def store_counts(self, engine: str, lines: bytes) -> None:
        """Stores what it has counted; raises ``ValueError`` if that is not accepted."""


FindPeer = Callable[[Request], Peer]
"""Returns the engine that sent a request; raises `RefusedError`."""


def application(find: FindPeer, service: RemoteEngineService | None = None) -> Starlette:
    """Serves engines, which ``find`` authenticates; ``service`` serves those on other machines."""

    bodies = _Bodies()

    async def poll(request: Request) -> Response:
        peer = find(request)
        octets = await bodies.read(request, peer, MAX_POLL_OCTETS)
        # It may have been revoked while it sent them, and again during the wait.
        find(request)
        peer.receive(Poll.read(_json(octets)))
        response = await _commands(request, peer)
        find(request)
        return response

    routes = [Route(POLL, poll, methods=["POST"])]
    if service is not None:
        routes += _remote_routes(find, service, bodies)
    return Starlette(
        routes=routes,
        exception_handlers={
            RefusedError: _forbidden,
            ValueError: _bad,
            OSError: _unavailable,
            Exception: _incident,
        },
    )


def _remote_routes(find: FindPeer, service: RemoteEngineService, bodies: "_Bodies") -> list[Route]:
    def offered(request: Request) -> Offer:
        find(request)
        offer = service.offer
        if offer is None or offer.mark != request.path_params["mark"]:
            raise RefusedError("this offer is no longer current")
        return offer

    async def snapshot(request: Request) -> Response:
        octets = offered(request).snapshot
        length = {"content-length": str(len(octets))}
        pieces = _pieces(octets, lambda: find(request))
        return StreamingResponse(pieces, headers=length, media_type="application/json")

    async def lists(request: Request) -> Response:
        file = offered(request).lists
        if file is None:
            raise RefusedError("there are no lists")
        return _WatchedFile(file, lambda: find(request))

    async def known(request: Request) -> Response:
        position = await service.position(_engine(find(request)))
        return JSONResponse({"position": position})

    async def events(request: Request) -> Response:
        peer = find(request)
        engine = _engine(peer)
        spool, offset = request.query_params.get("spool", ""), request.query_params.get("offset")
        lines = await bodies.read(request, peer, MAX_LOG_OCTETS)
        # It may have been revoked while it sent them.
        find(request)
        await service.store_lines(engine, spool, int(offset or ""), lines)
        return JSONResponse({})

    async def counts(request: Request) -> Response:
        peer = find(request)
        engine = _engine(peer)
        lines = await bodies.read(request, peer, MAX_LOG_OCTETS)
        find(request)
        await service.store_counts(engine, lines)
        return JSONResponse({})

    return [
        Route(OFFER + "/{mark}/snapshot", snapshot),
        Route(OFFER + "/{mark}/lists", lists),
        Route(EVENTS, known),
        Route(EVENTS, events, methods=["POST"]),
        Route(COUNTS, counts, methods=["POST"]),
    ]


async def _pieces(octets: bytes, check: Callable[[], object]) -> AsyncIterator[bytes]:
    """The octets in parts, since a client that does not take one in time is disconnected: a whole
    snapshot may need longer on a slow line. As long as that takes, ``check`` is asked again every
    second; then the server cuts the connection off."""
    last = time.monotonic()
    for begin in range(0, len(octets), _PIECE_OCTETS):
        if time.monotonic() - last >= CHECK_SECONDS:
            last = time.monotonic()
            check()
        yield octets[begin : begin + _PIECE_OCTETS]


class _WatchedFile(FileResponse):
    """A download that ends when its engine is no longer authorized."""

    def __init__(self, file: Path, check: Callable[[], object]) -> None:
        super().__init__(file, media_type="application/octet-stream")
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks again every second; then the server cuts the connection off."""
        last = time.monotonic()

        async def forward(message: Message) -> None:
            nonlocal last
            if time.monotonic() - last >= CHECK_SECONDS:
                last = time.monotonic()
                self._check()
            await send(message)

        await super().__call__(scope, receive, forward)


def _engine(peer: Peer) -> str:
    assert isinstance(peer, RemotePeer)
    return peer.spiffe


async def _incident(request: Request, _: Exception) -> Response:
    # The layer around this application reports it.
    return incident_response(request.scope, incident_text(request.scope))


def incident_response(_: Scope, text: str) -> Response:
    """The response to an unexpected error."""
    return JSONResponse({"why": text}, 500)


def _json(octets: bytes) -> Any:
    try:
        return json.loads(octets)
    except RecursionError:
        raise MessageError("the values in the message lie too deep in each other") from None


async def _forbidden(_request: Request, error: Exception) -> Response:
    return JSONResponse({"why": str(error)}, 403)


async def _bad(_request: Request, error: Exception) -> Response:
    return JSONResponse({"why": str(error)}, 400)


async def _unavailable(_request: Request, error: Exception) -> Response:
    return JSONResponse({"why": str(error)}, 503)


async def _commands(request: Request, peer: Peer) -> Response:
    """Waits for commands or for the end of the connection."""
    about = peer.about
    work = asyncio.create_task(peer.commands())
    left = asyncio.create_task(_disconnected(request))
    await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, left):
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    if work.cancelled():
        # If a newer engine process has polled already, it must stay connected.
        if peer.about is about:
            peer.disconnect()
        return Response(status_code=499)
    return JSONResponse({"commands": work.result()})


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Bodies:
    """The bodies that are on their way: an engine that sends them slowly, or many at once, must not
    fill the memory of control."""

    def __init__(self) -> None:
        self._open: Counter[tuple[Peer, str]] = Counter()

    async def read(self, request: Request, peer: Peer, most: int) -> bytes:
        """A whole body; raises `MessageError` for one too many, too long or too slow."""
        key = peer, request.url.path
        if self._open[key] >= MAX_BODIES:
            raise MessageError(f"{MAX_BODIES} requests of this kind are being sent already")
        self._open[key] += 1
        try:
            async with asyncio.timeout(BODY_SECONDS) as limit:
                return await _body(request, most, limit)
        except TimeoutError:
            raise MessageError(
                f"the next {BODY_STEP} octets of the request, or its end, did not come within "
                f"{BODY_SECONDS:g} s"
            ) from None
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


async def _body(request: Request, most: int, limit: asyncio.Timeout) -> bytes:
    """The whole body; puts ``limit`` off with each step, not with each octet."""
    octets, step = bytearray(), BODY_STEP
    async for piece in request.stream():
        octets += piece
        if len(octets) > most:
            raise MessageError(f"more than {most} octets")
        if len(octets) >= step:
            step = len(octets) + BODY_STEP
            limit.reschedule(asyncio.get_running_loop().time() + BODY_SECONDS)
    return bytes(octets)
