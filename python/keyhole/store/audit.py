"""The audit record: an append-only chain, each entry with the digest of the one before."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from keyhole.model.chained import FIRST, entry_digest
from keyhole.store.tables.audit import AUDIT

_AT_ONCE = 1_000
_PARAMETERS = 500
"""Numbers in one query; SQLite takes at most 999 parameters."""


@dataclass(frozen=True)
class Actor:
    """Who makes a change, as in the audit record; ``via`` is how they authenticated."""

    name: str
    via: str
    address: str | None = None


@dataclass(frozen=True)
class AuditEntry:
    """One action: by whom, ``via`` which channel, and from which ``address``, if known."""

    who: str
    via: str
    action: str
    address: str | None = None
    message: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    """Details, as values of JSON; no secrets."""


@dataclass(frozen=True)
class AuditRecord:
    """A stored entry with its number, from 1 without gaps, its time and its digest."""

    number: int
    time: datetime
    entry: AuditEntry
    before: str
    digest: str


def append(connection: Connection, entry: AuditEntry, time: datetime | None = None) -> int:
    """Appends an entry in the transaction of the change; returns its number."""
    if connection.dialect.name == "postgresql":
        # SQLite has one writer at a time; here the numbers need a lock.
        connection.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))
    last = connection.execute(
        select(AUDIT.c.id, AUDIT.c.digest).order_by(AUDIT.c.id.desc()).limit(1)
    ).first()
    number, before = (last.id + 1, last.digest) if last else (1, FIRST)
    row = {
        "id": number,
        "time": (time or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds"),
        "who": entry.who,
        "via": entry.via,
        "address": entry.address,
        "action": entry.action,
        "message": entry.message,
        "detail": json.dumps(entry.detail, sort_keys=True, ensure_ascii=False),
        "before": before,
    }
    connection.execute(insert(AUDIT).values(**row, digest=_digest(row)))
    return number


@dataclass(frozen=True)
class AuditCriteria:
    """Which records are wanted; those of every actor and action, unless one is given."""

    who: str | None = None
    action: str | None = None


def records(
    connection: Connection,
    *,
    before: int | None = None,
    after: int | None = None,
    most: int = 100,
    criteria: AuditCriteria | None = None,
) -> list[AuditRecord]:
    """At most ``most`` records, newest first, older than number ``before``; with ``after`` those
    after that number, the oldest first."""
    query = select(AUDIT).limit(most)
    if criteria is not None and criteria.who is not None:
        query = query.where(AUDIT.c.who == criteria.who)
    if criteria is not None and criteria.action is not None:
        query = query.where(AUDIT.c.action == criteria.action)
    if after is not None:
        query = query.where(AUDIT.c.id > after).order_by(AUDIT.c.id)
    else:
        query = query.order_by(AUDIT.c.id.desc())
    if before is not None:
        query = query.where(AUDIT.c.id < before)
    return [_record(row) for row in connection.execute(query)]


def records_of(connection: Connection, numbers: Iterable[int]) -> dict[int, AuditRecord]:
    """The records with these numbers, by number; those that do not exist are left out."""
    wanted = sorted(set(numbers))
    found: dict[int, AuditRecord] = {}
    for begin in range(0, len(wanted), _PARAMETERS):
        query = select(AUDIT).where(AUDIT.c.id.in_(wanted[begin : begin + _PARAMETERS]))
        found.update((row.id, _record(row)) for row in connection.execute(query))
    return found


def chained_fields(connection: Connection, after: int, last: int) -> Iterator[list[Any]]:
    """The records after number ``after`` up to ``last``, each as the list of its fields, of which
    the digest is the last one."""
    for row in _all(connection, after):
        if row["id"] > last:
            return
        yield [row[column.name] for column in AUDIT.columns]


def verify(connection: Connection) -> tuple[int, str | None]:
    """Verifies the digests from the first record on; returns how many are valid, and the error of
    the next one, if any. Removed records at the end are not detected: store the last digest
    elsewhere for that."""
    valid, expected = 0, FIRST
    for row in _all(connection):
        if row["id"] != valid + 1:
            return valid, f"record {valid + 1} is missing"
        if row["before"] != expected:
            return valid, f"record {row['id']} does not follow the one before"
        if row["digest"] != _digest(row):
            return valid, f"record {row['id']} was changed"
        valid, expected = valid + 1, row["digest"]
    return valid, None


def _all(connection: Connection, after: int = 0) -> Iterator[dict[str, Any]]:
    last = after
    while True:
        query = select(AUDIT).where(AUDIT.c.id > last).order_by(AUDIT.c.id).limit(_AT_ONCE)
        rows = [dict(row._mapping) for row in connection.execute(query)]
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1]["id"]


def _digest(row: dict[str, Any]) -> str:
    fields = [row[column.name] for column in AUDIT.columns if column.name != "digest"]
    return entry_digest(fields)


def _record(row: Row[Any]) -> AuditRecord:
    entry = AuditEntry(
        row.who, row.via, row.action, row.address, row.message, json.loads(row.detail)
    )
    return AuditRecord(row.id, datetime.fromisoformat(row.time), entry, row.before, row.digest)
