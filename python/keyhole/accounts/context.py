"""What all of people stands on: the database, kept passwords, and the audit record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from keyhole.accounts.actor import Actor, Clock, wall_clock
from keyhole.accounts.login_limits import LoginLimits
from keyhole.accounts.passwords import Passwords
from keyhole.accounts.sessions import SessionLifetimes
from keyhole.store import Database, Deed, append

ONE_TIME_SECONDS = 24 * 60 * 60
"""How long a one-time password waits for its first use."""


@dataclass
class AccountContext:
    """``heard`` is called, from any thread, when somebody has finished the first run."""

    database: Database
    lives: SessionLifetimes
    passwords: Passwords = field(default_factory=Passwords)
    admission: LoginLimits = field(default_factory=LoginLimits)
    clock: Clock = wall_clock
    heard: Callable[[], None] = lambda: None

    def now(self) -> int:
        """Seconds of Unix time."""
        return int(self.clock())


def record(connection: Connection, by: Actor, action: str, **detail: Any) -> None:
    """Writes into the audit record what somebody does, in the transaction of what is done."""
    deed = Deed(by.name, by.via, action, address=by.address, detail=detail)
    append(connection, deed)
