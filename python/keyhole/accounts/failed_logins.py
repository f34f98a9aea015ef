"""Writes failed logins down, and no more of them than a disk can bear."""

import threading

from keyhole.accounts.actor import Actor, ClientInfo
from keyhole.accounts.context import AccountContext, record

_MAX_PER_MINUTE = 60
UNKNOWN_NAME = "somebody"
"""In place of a name that no account has: people type passwords into the wrong field."""


class FailedLogins:
    """The record of failed logins. Safe to use from several threads."""

    def __init__(self, ground: AccountContext) -> None:
        self._ground = ground
        self._lock = threading.Lock()
        self._minute = 0
        self._written = 0
        self._left_out = 0

    def write(self, name: str | None, visit: ClientInfo, why: str) -> None:
        """Writes one down; above the limit of a minute it is counted, and told with the next."""
        with self._lock:
            minute = self._ground.now() // 60
            if minute != self._minute:
                self._minute, self._written = minute, 0
            if self._written >= _MAX_PER_MINUTE:
                self._left_out += 1
                return
            self._written += 1
            left_out, self._left_out = self._left_out, 0
        detail = {"why": why, **({"left_out_before": left_out} if left_out else {})}
        by = Actor(name or UNKNOWN_NAME, "login", visit.address)
        with self._ground.database.begin() as connection:
            record(connection, by, "login_failed", **detail)
