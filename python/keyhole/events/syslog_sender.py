"""Sends events to one receiver of syslog over TLS, or over TCP on this machine."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress

from keyhole.events.error import SendError
from keyhole.events.event import Event
from keyhole.events.syslog import Origin, frame, message

SEND_SECONDS = 15.0
"""How long a connection with its handshake, or one batch, may take."""
_REFUSAL_SECONDS = 0.5
"""How long a receiver has to refuse a certificate after the handshake."""

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
        self._writer: asyncio.StreamWriter | None = None
        self._sequence = 0

    async def send(self, events: Sequence[Event]) -> None:
        """Returns once the system has taken all of them; raises `SendError`.

        Syslog has no answer: what was on its way when a connection broke is gone, and the receiver
        sees that by the gap in ``sequenceId``.
        """
        try:
            async with asyncio.timeout(SEND_SECONDS):
                writer = await self._connected()
                for one in events:
                    self._sequence += 1
                    writer.write(frame(message(one, self._origin, self._sequence)))
                await writer.drain()
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

    async def close(self) -> None:
        """Ends the connection."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _connected(self) -> asyncio.StreamWriter:
        if self._writer is not None and not self._writer.is_closing():
            return self._writer
        await self.close()
        context = await asyncio.to_thread(self._context)
        reader, writer = await asyncio.open_connection(
            self._host,
            self._port,
            ssl=context,
            server_hostname=self._host if context is not None else None,
        )
        # Nothing is kept in this process: what is written was taken by the system. With 0 for
        # both, asyncio's TLS pauses a writer whose buffer is empty, and does not wake it again.
        writer.transport.set_write_buffer_limits(high=1, low=0)
        self._writer = writer
        if context is not None:
            # A receiver that refuses our certificate says so after the handshake (TLS 1.3).
            await _see_refusal(reader)
        return writer


async def _see_refusal(reader: asyncio.StreamReader) -> None:
    """Waits a moment for an alert; raises ``OSError`` where there is one, or the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_REFUSAL_SECONDS):
            if not await reader.read(1):
                raise ConnectionResetError(0, "it ended the connection at once")
