"""Shared dependencies of the account services."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from keyhole.accounts.client_info import Clock, wall_clock
from keyhole.accounts.login_limits import LoginLimits
from keyhole.accounts.passwords import Passwords
from keyhole.accounts.sessions import SessionLifetimes
from keyhole.store import Actor, AuditEntry, Database, append

ONE_TIME_SECONDS = 24 * 60 * 60
"""How long a one-time password is valid."""


@dataclass
class AccountContext:
    """``on_set_up`` is called, from any thread, after a step that can complete the setup."""

    database: Database
    lifetimes: SessionLifetimes
    passwords: Passwords = field(default_factory=Passwords)
    login_limits: LoginLimits = field(default_factory=LoginLimits)
    clock: Clock = wall_clock
    on_set_up: Callable[[], None] = lambda: None

    def now(self) -> int:
        """Seconds of Unix time."""
        return int(self.clock())


def record(connection: Connection, by: Actor, action: str, **detail: Any) -> None:
    """Adds a change to the audit record, in the transaction of the change."""
    entry = AuditEntry(by.name, by.via, action, address=by.address, detail=detail)
    append(connection, entry)
