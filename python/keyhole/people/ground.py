"""What all of people stands on: the database, kept passwords, and the audit record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from keyhole.people.admission import Admission
from keyhole.people.caller import Caller, Clock, wall_clock
from keyhole.people.passwords import Passwords
from keyhole.people.sessions import Lives
from keyhole.store import Database, Deed, append

ONE_TIME_SECONDS = 24 * 60 * 60
"""How long a one-time password waits for its first use."""


@dataclass
class Ground:
    """``heard`` is called, from any thread, when somebody has finished the first run."""

    database: Database
    lives: Lives
    passwords: Passwords = field(default_factory=Passwords)
    admission: Admission = field(default_factory=Admission)
    clock: Clock = wall_clock
    heard: Callable[[], None] = lambda: None

    def now(self) -> int:
        """Seconds of Unix time."""
        return int(self.clock())


def record(connection: Connection, by: Caller, action: str, **detail: Any) -> None:
    """Writes into the audit record what somebody does, in the transaction of what is done."""
    deed = Deed(by.name, by.via, action, address=by.address, detail=detail)
    append(connection, deed)
