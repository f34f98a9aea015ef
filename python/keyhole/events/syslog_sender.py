"""Sends events to one receiver of syslog over TLS, or over TCP on this machine."""

import asyncio
import math
import ssl
from collections import deque
from collections.abc import Callable, Sequence

from keyhole.events.connection import Connection, connect
from keyhole.events.error import SendError
from keyhole.events.event import Event
from keyhole.events.syslog import Origin, frame, message

SEND_SECONDS = 15.0
"""How long a connection with its handshake, or one batch, may take."""
AGAIN_SECONDS = 60.0
"""What was sent so shortly before the end of a connection is sent again."""
AGAIN = 200
"""Messages that are sent again at most."""

MakeContext = Callable[[], ssl.SSLContext | None]
"""How the receiver is verified; none without TLS. Reads files; raises `SendError`."""


class SyslogSender:
    """One connection, made when there is something to send. For one event loop."""

    def __init__(self, host: str, port: int, context: MakeContext, origin: Origin) -> None:
        """Connects to nothing yet."""
        self._host = host
        self._port = port
        self._context = context
        self._origin = origin
        self._connection: Connection | None = None
        self._sequence = 0
        self._recent: deque[tuple[float, bytes]] = deque(maxlen=AGAIN)
        """When the last messages were confirmed, by the clock of the loop, and their octets;
        infinite for those that are to be sent again."""

    async def send(self, events: Sequence[Event]) -> None:
        """Returns once the system of the receiver has confirmed all of them; raises `SendError`.

        Syslog itself has no answer: a receiver may end before it has read what its system
        confirmed. So the last messages before the end of a connection are sent again over the next
        one, with the same ``sequenceId``.
        """
        try:
            async with asyncio.timeout(SEND_SECONDS):
                connection = await self._connected()
                frames = [
                    frame(message(one, self._origin, number))
                    for number, one in enumerate(events, self._sequence + 1)
                ]
                await connection.write(b"".join(frames))
        except TimeoutError:
            await self.close()
            raise SendError(f"no answer within {SEND_SECONDS:g} s") from None
        except ssl.SSLCertVerificationError as error:
            await self.close()
            why = f"its certificate cannot be trusted: {error.verify_message}"
            raise SendError(why) from None
        except (OSError, EOFError) as error:
            await self.close()
            raise SendError(getattr(error, "strerror", None) or str(error)) from None
        except BaseException:
            await self.close()
            raise
        # What failed is sent again by the caller, and has the same numbers then.
        self._sequence += len(events)
        now = asyncio.get_running_loop().time()
        self._recent.extend((now, one) for one in frames)

    async def close(self) -> None:
        """Ends the connection."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        ended = connection.ended_at
        await connection.close()
        if ended is None:
            ended = asyncio.get_running_loop().time()
        while self._recent and self._recent[0][0] < ended - AGAIN_SECONDS:
            self._recent.popleft()
        # However many connections it takes.
        self._stamp(math.inf)

    async def _connected(self) -> Connection:
        if self._connection is not None and self._connection.is_open:
            return self._connection
        await self.close()
        context = await asyncio.to_thread(self._context)
        connection = self._connection = await connect(self._host, self._port, context)
        if self._recent:
            await connection.write(b"".join(octets for _, octets in self._recent))
            self._stamp(asyncio.get_running_loop().time())
        return connection

    def _stamp(self, moment: float) -> None:
        self._recent = deque([(moment, octets) for _, octets in self._recent], AGAIN)
