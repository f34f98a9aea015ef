"""dnstap to a listening program: bidirectional Frame Streams, with reconnects."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keyhole.querylog.dnstap import frames
from keyhole.querylog.dnstap.frames import Control, FrameError, Kind
from keyhole.querylog.dnstap.message import CONTENT_TYPE
from keyhole.system.unix_socket import short_path

HANDSHAKE_SECONDS = 5.0
MIN_RETRY_SECONDS, MAX_PAUSE = 0.2, 30.0
_MAX_BATCH = 500
_ERRORS = (OSError, FrameError, TimeoutError, asyncio.IncompleteReadError)


@dataclass(frozen=True)
class Target:
    """The address of the receiver: a Unix socket, or a host and port."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return str(self.path) if self.path else f"{self.host} port {self.port}"


class SocketOutput:
    """Sends payloads to one receiver; drops and counts those that do not fit into the queue."""

    def __init__(
        self, target: Target, max_queued: int, on_change: Callable[[bool, str], None]
    ) -> None:
        """Queues at most ``max_queued`` payloads. ``on_change`` is called with true after a
        connection was made, and with false and the reason after one was lost or failed."""
        self._target = target
        self._max_queued = max_queued
        self._on_change = on_change
        self._queue: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self.is_connected = False
        self.sent = 0
        self.dropped = 0

    def put(self, payloads: Iterable[bytes]) -> None:
        """Queues payloads in order; drops the newest ones where the queue is full."""
        for payload in payloads:
            if len(self._queue) < self._max_queued:
                self._queue.append(payload)
            else:
                self.dropped += 1
        self._filled.set()

    async def run(self) -> None:
        """Connects, sends and reconnects until it is cancelled; then it ends the stream."""
        pause = MIN_RETRY_SECONDS
        while True:
            try:
                await self._connect_and_send()
            except _ERRORS as error:
                if self.is_connected:
                    pause = MIN_RETRY_SECONDS
                self._lost(str(error) or "it took too long")
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE)

    async def _connect_and_send(self) -> None:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            reader, writer = await self._connect()
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await _handshake(reader, writer)
            self.is_connected = True
            self._on_change(True, "")
            await self._send(reader, writer)
        except asyncio.CancelledError:
            with suppress(*_ERRORS):
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    await _end(reader, writer)
            raise
        finally:
            writer.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The receiver sends nothing during data transfer; any read result means that it ended.
        gone = asyncio.ensure_future(reader.read(1))
        try:
            while True:
                self._filled.clear()
                if not self._queue:
                    waiting = asyncio.ensure_future(self._filled.wait())
                    await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
                    waiting.cancel()
                if gone.done():
                    raise FrameError("the reader ended the connection")
                some = [self._queue.popleft() for _ in range(min(_MAX_BATCH, len(self._queue)))]
                writer.write(b"".join(frames.data(payload) for payload in some))
                await writer.drain()
                self.sent += len(some)
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError, *_ERRORS):
                await gone

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._target.path is None:
            return await asyncio.open_connection(self._target.host, self._target.port)
        with short_path(self._target.path) as path:
            return await asyncio.open_unix_connection(path)

    def _lost(self, why: str) -> None:
        self.is_connected = False
        self._on_change(False, why)


async def _handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(frames.control(Kind.READY, CONTENT_TYPE))
    await writer.drain()
    answer = await _read_control(reader)
    if answer.kind is not Kind.ACCEPT:
        raise FrameError(f"the reader answered {answer.kind.name} instead of ACCEPT")
    if answer.content_types and CONTENT_TYPE not in answer.content_types:
        raise FrameError("the reader does not accept dnstap")
    writer.write(frames.control(Kind.START, CONTENT_TYPE))
    await writer.drain()


async def _end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(frames.control(Kind.STOP))
    await writer.drain()
    while (await _read_control(reader)).kind is not Kind.FINISH:
        pass


async def _read_control(reader: asyncio.StreamReader) -> Control:
    head = await reader.readexactly(8)
    length = int.from_bytes(head[4:])
    if head[:4] != b"\0\0\0\0" or length > frames.MAX_CONTROL:
        raise FrameError("the reader does not use Frame Streams")
    return frames.read_control(await reader.readexactly(length))
