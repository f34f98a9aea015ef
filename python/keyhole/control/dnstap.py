"""Sends the query log as dnstap while Keyhole runs.

It starts at the end of the log: entries from before control started are not sent.
"""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keyhole import __version__
from keyhole.config.sections.dnstap import is_path
from keyhole.control.data_folder import DataFolder
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import Settings
from keyhole.engine import catalogue
from keyhole.model.address import read_endpoint
from keyhole.querylog import Tail
from keyhole.querylog.dnstap import FileOutput, Messages, ReasonInfo, SocketOutput, Target

POLL_SECONDS = 0.3
_AT_ONCE = 5_000
"""Queries per round; other work is done between rounds."""


@dataclass(frozen=True)
class DnstapState:
    """The message counters of one output since control started."""

    target: str
    is_working: bool
    sent: int
    dropped: int


def dnstap(settings: Settings, data: DataFolder, notify: Notify) -> "Dnstap | None":
    """The dnstap output of the settings; none if it is off."""
    section = settings.written.dnstap
    if section.file is None and section.socket is None:
        return None
    folder = settings.file.absolute().parent
    identity = section.identity or socket.gethostname()
    rows = catalogue()["reasons"]
    reasons = {row["word"]: ReasonInfo(row["rcode"], row["stage"]) for row in rows}
    messages = Messages(identity, f"keyhole {__version__}", reasons)
    feed = Dnstap(Tail(data.query_log.parent), messages)
    if section.file is not None:
        feed.write_to(folder / section.file, section.size, notify)
    if section.socket is not None:
        if is_path(section.socket):
            target = Target(folder / section.socket)
        else:
            endpoint = read_endpoint(section.socket)
            target = Target(host=endpoint.address, port=endpoint.port or 0)
        feed.send_to(target, section.queue, notify)
    return feed


class Dnstap:
    """One feed with its outputs. Run :meth:`run` as a task; it never ends by itself."""

    def __init__(self, tail: Tail, messages: Messages) -> None:
        self._tail = tail
        self._messages = messages
        self._file: _MonitoredFile | None = None
        self._socket: tuple[Target, SocketOutput] | None = None

    def write_to(self, path: Path, size: int, notify: Notify) -> None:
        """Adds a file as output."""
        self._file = _MonitoredFile(FileOutput(path, size), str(path), notify)

    def send_to(self, target: Target, most: int, notify: Notify) -> None:
        """Adds a socket as output."""
        self._socket = (target, SocketOutput(target, most, _ConnectionNotices(target, notify)))

    def states(self) -> list[DnstapState]:
        """The state of each output."""
        states = [self._file.state(self._tail.missed)] if self._file else []
        if self._socket:
            target, out = self._socket
            dropped = out.dropped + self._tail.missed
            states.append(DnstapState(str(target), out.is_connected, out.sent, dropped))
        return states

    async def run(self) -> None:
        """Follows the log until it is cancelled, then ends the streams."""
        sending = asyncio.create_task(self._socket[1].run()) if self._socket else None
        try:
            await asyncio.to_thread(self._tail.skip)
            while True:
                payloads = await asyncio.to_thread(self._read_new)
                if self._socket:
                    self._socket[1].put(payloads)
                if not payloads:
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            if sending is not None:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending
            if self._file:
                await asyncio.to_thread(self._file.close)
            self._tail.close()

    def _read_new(self) -> list[bytes]:
        """Returns new messages, after writing them to the file."""
        payloads: list[bytes] = []
        for entry in self._tail.new():
            payloads += self._messages.of(entry)
            if len(payloads) >= _AT_ONCE:
                break
        if self._file and payloads:
            self._file.write(payloads)
        return payloads


class _MonitoredFile:
    """A file output that reports an error, such as a full disk, once; lost messages are counted."""

    def __init__(self, out: FileOutput, name: str, notify: Notify) -> None:
        self._out = out
        self._name = name
        self._notify = notify
        self._is_working = True
        self._sent = 0
        self._dropped = 0

    def write(self, payloads: list[bytes]) -> None:
        try:
            self._out.write(payloads)
        except OSError as error:
            self._dropped += len(payloads)
            with suppress(OSError):
                self._out.close()
            if self._is_working:
                text = f"dnstap: {self._name} is not written; it is tried again"
                self._notify(Notice(Severity.WARNING, text, (str(error),)))
            self._is_working = False
            return
        self._sent += len(payloads)
        if not self._is_working:
            text = f"dnstap: {self._name} is written again; {self._dropped} messages were dropped"
            self._notify(Notice(Severity.SUCCESS, text))
        self._is_working = True

    def state(self, missed: int) -> DnstapState:
        return DnstapState(self._name, self._is_working, self._sent, self._dropped + missed)

    def close(self) -> None:
        with suppress(OSError):
            self._out.close()


class _ConnectionNotices:
    """Reports when a connection opens or is lost, not each attempt."""

    def __init__(self, target: Target, notify: Notify) -> None:
        self._target = target
        self._notify = notify
        self._last: bool | None = None

    def __call__(self, is_connected: bool, why: str) -> None:
        if is_connected == self._last:
            return
        self._last = is_connected
        if is_connected:
            self._notify(Notice(Severity.SUCCESS, f"dnstap is sent to {self._target}"))
        else:
            text = f"dnstap: {self._target} does not take it; it is tried again"
            self._notify(Notice(Severity.WARNING, text, (why,)))
