"""Records failed logins, with a limit per minute to protect the disk."""

import threading

from keyhole.accounts.client_info import ClientInfo
from keyhole.accounts.context import AccountContext, record
from keyhole.store import Actor

_MAX_PER_MINUTE = 60
UNKNOWN_NAME = "somebody"
"""Replaces an unknown name, which may be a password typed into the wrong field."""


class FailedLogins:
    """Writes failed logins to the audit record. Thread-safe."""

    def __init__(self, context: AccountContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._minute = 0
        self._written = 0
        self._left_out = 0

    def write(self, name: str | None, client: ClientInfo, why: str) -> None:
        """Records a failure; above the limit it is only counted, for the next record."""
        with self._lock:
            minute = self._context.now() // 60
            if minute != self._minute:
                self._minute, self._written = minute, 0
            if self._written >= _MAX_PER_MINUTE:
                self._left_out += 1
                return
            self._written += 1
            left_out, self._left_out = self._left_out, 0
        detail = {"why": why, **({"left_out_before": left_out} if left_out else {})}
        by = Actor(name or UNKNOWN_NAME, "login", client.address)
        with self._context.database.begin() as connection:
            record(connection, by, "login_failed", **detail)
