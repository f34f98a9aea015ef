"""An engine without a core, in a thread: obeys over the link like a real one."""

import http.client
import itertools
import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from keyhole.control.local_engine import LocalEngine
from keyhole.engine.withdrawal import Withdrawal
from keyhole.link.command_poller import CommandPoller, unix_connector
from keyhole.link.message import About

ADDRESSES = {"udp": ["127.0.0.1:5300"]}


class FakeEngine:
    """One instance of an engine; ``die`` ends its connection like the end of a process."""

    def __init__(self, socket: Path) -> None:
        self._numbers = itertools.count(1)
        self._instance = os.urandom(4).hex()
        self._connect = unix_connector(socket)
        self._withdrawn = ""
        # As a real one, it starts from the last good snapshot of its data folder.
        self._number = _number_in(socket.parent.parent / "state" / "snapshot.json")
        self._open: http.client.HTTPConnection | None = None
        self.obeyed: list[dict[str, Any]] = []
        self.may_obey = threading.Event()
        self.may_obey.set()
        self._poller = CommandPoller(self._dial, self._about, self._obey)

    def start(self) -> "FakeEngine":
        """Begins to poll."""
        self._poller.start()
        return self

    def die(self) -> None:
        """Sends nothing more, as if it were killed."""
        self._poller.end()
        self.may_obey.set()
        # The poller may be closing it at this moment.
        if self._open is not None and self._open.sock is not None:
            with suppress(OSError):
                self._open.sock.shutdown(2)

    def hang_up(self) -> None:
        """Loses the connection, and nothing else."""
        if self._open is not None and self._open.sock is not None:
            self._open.sock.shutdown(2)

    def _dial(self) -> http.client.HTTPConnection:
        self._open = self._connect()
        return self._open

    def _about(self) -> About:
        number, withdrawn = self._number, self._withdrawn
        return About(self._instance, os.getpid(), "1", ADDRESSES, number, withdrawn=withdrawn)

    def _obey(self, command: dict[str, Any]) -> dict[str, Any]:
        if "withdraw" in command:
            self._withdrawn = Withdrawal.of(command["withdraw"]).mark
            return {"withdrawn": self._withdrawn}
        self.may_obey.wait()
        self.obeyed.append(command)
        if command.get("commit") == "/bad":
            return {"refused": {"path": "snapshot.policies[0]", "why": "no such list"}}
        if "commit" in command:
            self._number = _number_in(Path(command["commit"]))
            return {"committed": next(self._numbers)}
        if "identity" in command:
            return {"installed": command["identity"]["name"]}
        return {"stats": {"instance": self._instance}}


def _number_in(snapshot: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(json.loads(snapshot.read_bytes())["number"])
    return None


class FakeStarter:
    """Starts one, and another one in its place."""

    runs_already = False

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.engine = FakeEngine(socket)

    async def start(self) -> None:
        """Has it run."""
        self.engine.start()

    def connected(self) -> None:
        """Nobody else waits for it."""

    async def stop(self) -> None:
        """Has it end."""
        self.engine.die()

    def replace(self) -> None:
        """What a supervisor does after a death."""
        self.engine = FakeEngine(self._socket).start()


def fake_local_engine(folder: Path) -> tuple[LocalEngine, FakeStarter]:
    """Control's side with such an engine at the other end."""
    socket = folder / "run" / "link.sock"
    socket.parent.parent.mkdir(parents=True, exist_ok=True)
    starter = FakeStarter(socket)
    return LocalEngine(socket, starter, lambda notice: print(notice.text)), starter
