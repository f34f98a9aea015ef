"""Brings the query log of an engine on another machine to control.

The log on this machine is the buffer: bounded, and written whether control is there or not. Control
says how far it knows it, so that after any death on either side nothing comes twice and nothing is
left out that the log still has.
"""

import http.client
import threading
from pathlib import Path
from urllib.parse import urlencode

from keyhole.link.control_client import ControlClient
from keyhole.link.message import EVENTS
from keyhole.querylog.spool import Position, pieces

PAUSE_SECONDS = 2.0


class LogShipper:
    """A thread that ships for as long as the process lives."""

    def __init__(self, leader: ControlClient, folder: Path) -> None:
        """``folder`` is that of the query log."""
        self._leader = leader
        self._folder = folder
        self._ending = threading.Event()
        self._thread = threading.Worker(target=self._run, name="shipping", daemon=True)

    def start(self) -> None:
        """Begins to ship."""
        self._thread.start()

    def end(self) -> None:
        """Ships nothing from now on; the next process goes on."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(PAUSE_SECONDS):
            try:
                self.ship()
            except (OSError, http.client.HTTPException, ValueError):
                continue  # control is away, or wants no log; it is asked again

    def ship(self) -> None:
        """Brings what control does not know yet. Raises ``OSError`` and ``ValueError``."""
        found = self._leader.ask("GET", EVENTS)["position"]
        position = Position(str(found["spool"]), int(found["offset"])) if found else None
        for piece in pieces(self._folder, position):
            if self._ending.is_set():
                return
            where = urlencode({"spool": piece.position.spool, "offset": piece.position.offset})
            self._leader.ask("POST", f"{EVENTS}?{where}", piece.lines)
