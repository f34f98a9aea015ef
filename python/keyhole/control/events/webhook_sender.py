"""Sends events to one webhook: a signed POST over HTTPS to an address that was checked."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpcore2

from keyhole.events.error import SendError
from keyhole.events.event import Event
from keyhole.events.syslog import Origin
from keyhole.events.tls import client_context
from keyhole.events.webhook import body, read_key, signed_headers
from keyhole.lists.download import AddressGuard, DownloadError
from keyhole.lists.download.connect import pool
from keyhole.system.secret_file import read_secret

IDLE_SECONDS = 10.0
"""How long one step of a request may take."""
_MAX_SECRET = 4_096
_OF_CONTENT = (400, 413, 422)
"""Answers by which a receiver refuses what it was sent (RFC 9110 section 15.5)."""


@dataclass(frozen=True)
class Webhook:
    """A receiver: its URL, the file of its secret, its root certificates, and who it may be."""

    url: str
    secret: Path
    ca: Path | None
    guard: AddressGuard


class WebhookSender:
    """One request after the other, in a thread."""

    def __init__(self, webhook: Webhook, origin: Origin, lost: Callable[[], int]) -> None:
        """``lost`` is how many events were dropped so far."""
        self._webhook = webhook
        self._origin = origin
        self._lost = lost

    async def send(self, events: Sequence[Event]) -> None:
        """Returns once the receiver has answered that it has them; raises `SendError`."""
        await asyncio.to_thread(self._post, list(events))

    async def close(self) -> None:
        """There is nothing to close: each request has a connection of its own."""

    def _post(self, events: list[Event]) -> None:
        try:
            key = read_key(read_secret(self._webhook.secret, _MAX_SECRET))
        except OSError as error:
            raise SendError(f"cannot use {self._webhook.secret}: {error.strerror}") from None
        except SendError as error:
            raise SendError(f"cannot use {self._webhook.secret}: {error}") from None
        content = body(events, self._origin, self._lost())
        # The id of what is sent again is the same (Standard Webhooks): a receiver may know it.
        delivery = events[0].id if len(events) == 1 else f"{events[0].id}-{len(events)}"
        headers = {
            "content-type": "application/json",
            "content-length": str(len(content)),
            "user-agent": f"keyhole/{self._origin.version}",
            **signed_headers(key, f"msg_{delivery}", int(time.time()), content),
        }
        status = self._status(headers, content)
        if 300 <= status < 400:
            raise SendError(f"it answers {status}, a redirection, which is not followed")
        if not 200 <= status < 300:
            raise SendError(f"it answers {status}", is_content=status in _OF_CONTENT)

    def _status(self, headers: dict[str, str], content: bytes) -> int:
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), IDLE_SECONDS)
        context = client_context(self._webhook.ca)
        try:
            with (
                pool(self._webhook.guard, context) as connections,
                connections.stream(
                    "POST",
                    self._webhook.url,
                    headers=[("host", _host(self._webhook.url)), *headers.items()],
                    content=content,
                    extensions={"timeout": timeouts},
                ) as response,
            ):
                # What it says besides is not read.
                return int(response.status)
        except DownloadError as error:
            raise SendError(str(error)) from None
        except httpcore2.TimeoutException:
            raise SendError(f"no answer within {IDLE_SECONDS:g} s") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise SendError(_why(error)) from None


def _host(url: str) -> str:
    return url.split("/", 3)[2]


def _why(error: Exception) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"its certificate cannot be trusted: {text}"
    return text or type(error).__name__
