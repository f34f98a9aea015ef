"""Tells the service manager how a service is: ready, alive, ending (sd_notify(3)).

Without a service manager, all of it does nothing.
"""

import os
import socket
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

_SOCKET, _INTERVAL, _PROCESS = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_MICROSECONDS = 1_000_000
_WAIT_SECONDS = 2.0
"""How long the manager may take to make room for a message that is sent once."""
_PINGS_PER_LIMIT = 3
"""So that one message may come late, and the service is not ended for it."""


class SdNotify:
    """The service manager that started this process, if one did."""

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        """``address`` is the socket of the manager, ``watchdog`` its limit in seconds between two
        signs of life; ``None`` where it expects none."""
        # A leading @ stands for the zero octet of an abstract socket (unix(7)).
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.ping_seconds = watchdog / _PINGS_PER_LIMIT if watchdog else None
        """Seconds between two signs of life; ``None`` where none is expected."""
        self._owed: tuple[str, ...] = ()

    @classmethod
    def take(cls, environment: MutableMapping[str, str] = os.environ) -> "SdNotify":
        """The manager that the environment names.

        Its variables are removed: they are for this process, and not for those that it starts.
        """
        found = cls(environment.get(_SOCKET, ""), _watchdog(environment))
        for name in (_SOCKET, _INTERVAL, _PROCESS):
            environment.pop(name, None)
        return found

    def ready(self, status: str) -> None:
        """Says that the service serves now; ``status`` is one line for people."""
        lines = ("READY=1", f"STATUS={status}")
        if not self._send(*lines, seconds=_WAIT_SECONDS):
            self._owed = lines

    def alive(self) -> None:
        """Gives a sign of life; the manager restarts a service that gives none."""
        if self._send("WATCHDOG=1", *self._owed):
            self._owed = ()

    def stopping(self) -> None:
        """Says that the service ends in order, so that it may take its time."""
        self._send("STOPPING=1", seconds=_WAIT_SECONDS)

    def _send(self, *lines: str, seconds: float = 0.0) -> bool:
        """Whether the manager has it; it may take so long to make room for it."""
        if not self._address:
            return True
        # A manager that does not listen, or not fast enough, never stops a query.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(seconds)
            datagrams.connect(self._address)
            datagrams.send("\n".join(lines).encode())
            return True
        return False


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """The limit in seconds; ``None`` if there is none, or if it is another process's."""
    process = environment.get(_PROCESS)
    limit = environment.get(_INTERVAL, "")
    if (process is not None and process != str(os.getpid())) or not limit.isdecimal():
        return None
    return int(limit) / _MICROSECONDS or None
