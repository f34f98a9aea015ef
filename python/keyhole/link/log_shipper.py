"""Sends the query log of an engine on another machine to control.

The local log is the buffer: it is bounded, and also written while control is not reachable. Control
reports the position up to which it has received the log. So after a crash on either side no line is
sent twice, and none is skipped that the log still has.
"""

import http.client
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from keyhole.link.control_client import ControlClient
from keyhole.link.message import COUNTS, EVENTS
from keyhole.querylog.counts import CountFiles
from keyhole.querylog.spool import Position, pieces

PAUSE_SECONDS = 2.0


class LogShipper:
    """A thread that sends the log until the process ends."""

    def __init__(self, control: ControlClient, folder: Path, warn: Callable[[str], None]) -> None:
        """``folder`` is the folder of the query log; ``warn`` is called once when sending begins to
        fail, until it succeeds again."""
        self._control = control
        self._folder = folder
        self._warn = warn
        self._fails = False
        self._ending = threading.Event()
        self._count_files = CountFiles(folder)
        self._thread = threading.Thread(target=self._run, name="shipping", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stops sending; the next process continues."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(PAUSE_SECONDS):
            self.attempt()

    def attempt(self) -> None:
        """Sends what control has not received. Says it where control is not reachable or accepts no
        log: the log is bounded, so queries are lost if that lasts."""
        try:
            self.ship()
        except (OSError, http.client.HTTPException, ValueError) as error:
            if not self._fails and not self._ending.is_set():
                self._fails = True
                why = str(error) or type(error).__name__
                self._warn(f"the query log does not reach control, and is sent again: {why}")
        else:
            self._fails = False

    def ship(self) -> None:
        """Sends what control has not received. Raises ``OSError`` and ``ValueError``."""
        # Read before the log: no line is missing then that is only on its way.
        counted = self._count_files.new()
        try:
            self._ship_lines()
            if counted:
                self._control.ask("POST", COUNTS, counted)
        except BaseException:
            self._count_files.forget()
            raise

    def _ship_lines(self) -> None:
        found = self._control.ask("GET", EVENTS)["position"]
        position = Position(str(found["spool"]), int(found["offset"])) if found else None
        for piece in pieces(self._folder, position):
            if self._ending.is_set():
                return
            where = urlencode({"spool": piece.position.spool, "offset": piece.position.offset})
            self._control.ask("POST", f"{EVENTS}?{where}", piece.lines)
