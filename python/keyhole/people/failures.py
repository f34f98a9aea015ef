"""Writes failed logins down, and no more of them than a disk can bear."""

import threading

from keyhole.people.caller import Caller, Visit
from keyhole.people.ground import Ground, record

_EACH_MINUTE = 60
UNKNOWN = "somebody"
"""In place of a name that no account has: people type passwords into the wrong field."""


class Failures:
    """The record of failed logins. Safe to use from several threads."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._lock = threading.Lock()
        self._minute = 0
        self._written = 0
        self._left_out = 0

    def write(self, name: str | None, visit: Visit, why: str) -> None:
        """Writes one down; above the limit of a minute it is counted, and told with the next."""
        with self._lock:
            minute = self._ground.now() // 60
            if minute != self._minute:
                self._minute, self._written = minute, 0
            if self._written >= _EACH_MINUTE:
                self._left_out += 1
                return
            self._written += 1
            left_out, self._left_out = self._left_out, 0
        detail = {"why": why, **({"left_out_before": left_out} if left_out else {})}
        by = Caller(name or UNKNOWN, "login", visit.address)
        with self._ground.database.begin() as connection:
            record(connection, by, "login_failed", **detail)
