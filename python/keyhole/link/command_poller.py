"""The engine's side of the link: a thread that polls control for commands.

Control may stop and restart at any time: the thread then reconnects, and the engine continues to
serve.
"""

import http.client
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keyhole.link.message import (
    HOLD_SECONDS,
    POLL,
    About,
    Command,
    MessageError,
    Poll,
    Result,
    read_commands,
)
from keyhole.system.unix_socket import accepting_path, short_path

FIRST_PAUSE, MAX_PAUSE = 0.05, 1.0
"""Seconds between two attempts to reach control."""
TIMEOUT_SECONDS = HOLD_SECONDS + 10
_MAX_OCTETS = 16 * 2**20

Execute = Callable[[Command], dict[str, Any]]
Connect = Callable[[], http.client.HTTPConnection]


class CommandPoller:
    """Executes commands of control until the process ends."""

    def __init__(self, connect: Connect, about: Callable[[], About], execute: Execute) -> None:
        """``connect`` returns an unopened connection, and may raise ``OSError``."""
        self._connect = connect
        self._about = about
        self._execute = execute
        self._ending = threading.Event()
        # A daemon, so that an open poll cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._results: tuple[Result, ...] = ()

    def start(self) -> None:
        """Starts polling."""
        self._thread.start()

    def end(self) -> None:
        """Executes no further commands."""
        self._ending.set()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ending.is_set():
            try:
                connection = self._connect()
                try:
                    while not self._ending.is_set():
                        self._ask(connection)
                        pause = FIRST_PAUSE
                finally:
                    connection.close()
            except (OSError, http.client.HTTPException, ValueError):
                self._ending.wait(pause)
                pause = min(2 * pause, MAX_PAUSE)

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        body = json.dumps(Poll(self._about(), self._results).to_json()).encode()
        connection.request("POST", POLL, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        octets = answer.read(_MAX_OCTETS)
        if answer.status != 200:
            raise MessageError(f"control answered {answer.status}")
        # Control has received the results only now; until then they are sent again.
        self._results = ()
        self._results = tuple(self._dispatch(one) for one in read_commands(json.loads(octets)))

    def _dispatch(self, command: Command) -> Result:
        if self._ending.is_set():
            return {"id": command["id"], "refused": {"path": "", "why": "the engine is ending"}}
        return {"id": command["id"], **self._execute(command)}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with short_path(accepting_path(self._path)) as short:
            self.sock.connect(short)


def unix_connector(path: Path) -> Connect:
    """Returns a function that connects to control on this machine."""
    return lambda: _UnixConnection(path)
