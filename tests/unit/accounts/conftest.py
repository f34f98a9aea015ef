"""Account services on a database of each kind, with a settable clock and a cheap hash."""

from dataclasses import dataclass, field

import pytest

from keyhole.accounts import (
    AccountContext,
    AccountServices,
    ClientInfo,
    Login,
    Passwords,
    SessionLifetimes,
)
from keyhole.accounts.login_limits import LoginLimits
from keyhole.model.role import Role
from keyhole.store import Actor, AuditRecord, Database, records
from keyhole.system.backoff import Backoff
from tests.unit.store.conftest import database, kind, postgres, upgraded_file, upgraded_name

__all__ = ["database", "kind", "postgres", "upgraded_file", "upgraded_name"]

HOME = ClientInfo("192.0.2.1", "a browser")
ABROAD = ClientInfo("198.51.100.7", "another one")
LONG = "a fine long password"
BY = Actor("local:root", "socket")


@dataclass
class Clock:
    """A clock that tests can set; Unix time in seconds."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """The account services with their database and clock."""

    database: Database
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.context = AccountContext(
            self.database,
            SessionLifetimes(idle=600, absolute=3600),
            passwords=cheap_passwords(),
            login_limits=LoginLimits(Backoff(self.clock)),
            clock=self.clock,
        )
        self.accounts = AccountServices(self.context)

    def add(self, name: str, role: Role = Role.VIEWER) -> None:
        """Adds an account with the password `LONG`."""
        self.accounts.administration.add(name, role, BY)
        self.accounts.administration.set_password(name, LONG, BY)

    def log_in(
        self, name: str, password: str = LONG, client: ClientInfo = HOME, code: str | None = None
    ) -> str:
        """The secret of a new session."""
        return self.accounts.logins.log_in(Login(name, password, code), client)

    def audit(self) -> list[AuditRecord]:
        """The audit record, the newest first."""
        with self.database.read() as connection:
            return records(connection)


def cheap_passwords() -> Passwords:
    """The same algorithm with minimal cost."""
    return Passwords(passes=1, kibibytes=8, lanes=1)


@pytest.fixture
def house(database: Database) -> House:
    """Account services with one administrator, so that other accounts can be changed."""
    house = House(database)
    house.add("root", Role.ADMINISTRATOR)
    return house
