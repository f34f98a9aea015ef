"""Records that outlive this process: each receiver is told every entry, also those of a time in
which it was away."""

from typing import Protocol

from keyhole.events import Event, Severity
from keyhole.store import AuditRecord, Database, records

AUDIT = "audit"


class Source(Protocol):
    """A record whose entries have numbers, from 1 on without gaps."""

    @property
    def name(self) -> str:
        """The kind of its events."""

    def last(self) -> int:
        """The number of its newest entry, 0 without one. Blocks."""

    def after(self, number: int, most: int) -> list[Event]:
        """At most ``most`` entries after a number, the oldest first. Blocks."""


class AuditSource:
    """The audit record."""

    name = AUDIT

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> int:
        """The number of the newest entry; raises ``StoreError``."""
        with self._database.read() as connection:
            found = records(connection, most=1)
        return found[0].number if found else 0

    def after(self, number: int, most: int) -> list[Event]:
        """Entries as events; raises ``StoreError``."""
        with self._database.read() as connection:
            return [audit_event(one) for one in records(connection, after=number, most=most)]


def audit_event(record: AuditRecord) -> Event:
    """An entry of the audit record."""
    entry = record.entry
    return Event(
        AUDIT,
        Severity.NOTICE,
        f"{entry.who}: {entry.action}",
        {
            "number": record.number,
            "who": entry.who,
            "via": entry.via,
            "address": entry.address,
            "action": entry.action,
            "message": entry.message,
            "detail": entry.detail,
            "digest": record.digest,
        },
        record.time,
        f"audit-{record.number}-{record.digest[:12]}",
        AUDIT,
        record.number,
    )
