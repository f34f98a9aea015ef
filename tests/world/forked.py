"""Programs of `tests.world.fork_server`, as ``subprocess.Popen`` shows others."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.world.fork_server import MAX_MESSAGE, inherited

_ROOM = "-" * 2000


class ForkServer:
    """A fork server of this process; it starts when it is first needed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def ask(self, request: dict[str, Any]) -> Any:
        """The answer of the server."""
        with self._lock:
            if self._socket is None:
                self._socket = self._begin()
            self._socket.send(json.dumps(request).encode())
            answer = self._socket.recv(MAX_MESSAGE)
        assert answer, "the fork server has ended; what it said is above"
        return json.loads(answer)

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.world.fork_server", str(theirs.fileno()), _ROOM]
            server = subprocess.Popen(
                command,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=self._environment,
                # Ctrl-C is for the test run alone.
                start_new_session=True,
            )
        atexit.register(server.wait)
        atexit.register(ours.close)  # called first; the server ends then
        return ours


_servers: dict[str, ForkServer] = {}


def _server(environment: dict[str, str]) -> ForkServer:
    """The one for programs with this environment: what ``LD_PRELOAD`` names is loaded before the
    interpreter, so there is a server for each of its values."""
    preloaded = environment.get("LD_PRELOAD", "")
    # All else is given to each program.
    begin_with = environment if preloaded else dict(os.environ)
    return _servers.setdefault(preloaded, ForkServer(begin_with))


def prepare(environment: dict[str, str]) -> None:
    """Waits until programs with this environment can be forked, for a test that times a start."""
    _server({**os.environ, **environment}).ask({})


class Forked:
    """One process."""

    def __init__(self, words: list[str], log: Path, environment: dict[str, str]) -> None:
        self.returncode: int | None = None
        self._lock = threading.Lock()
        asked = {"words": words, "log": str(log.absolute()), "folder": str(Path.cwd())}
        state = {"environment": environment, "inherited": inherited()}
        self._server = _server(environment)
        self.pid: int = self._server.ask({**asked, **state})
        self._end = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        with self._lock:  # the kernel tells the end of a process once
            if self.returncode is None:
                self.returncode = self._server.ask({"pid": self.pid})
                if self.returncode is not None:
                    os.close(self._end)
            return self.returncode

    def wait(self, seconds: float) -> int:
        """The exit code, once it has ended; raises ``subprocess.TimeoutExpired``."""
        code = self.poll()
        if code is None:
            select.select([self._end], [], [], seconds)
            code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("keyhole", seconds)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)
