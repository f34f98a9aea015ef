"""Findings with their evidence, and how far each query log was looked through for them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select

from keyhole.store.tables.findings import FINDINGS, FINDINGS_HIGHEST, FINDINGS_READ

State = Literal["open", "muted", "closed"]


@dataclass(frozen=True)
class Evidence:
    """What the query log said, in bounded size."""

    names: tuple[tuple[str, int], ...] = ()
    """A sample of the names, in the order in which they were first asked, each with the second of
    Unix time at which it was last asked."""
    curve: tuple[tuple[int, int], ...] = ()
    """Octets on the account, each with its second of Unix time."""
    observed: dict[str, int] = field(default_factory=dict)
    """How many queries passed and were only noted, by level."""
    refused: dict[str, int] = field(default_factory=dict)
    """How many queries were refused, by level."""
    blocked: int = 0
    """The second of Unix time of the last query that a used-up budget refused; 0 without one."""
    seen_to: bool = False
    """Whether the policy of the client said what follows that."""
    clients: int = 0
    """About how many clients there were, where it is about all together."""


@dataclass(frozen=True)
class StoredFinding:
    """A client that became conspicuous below one domain."""

    number: int
    kind: str
    client_kind: str
    """identity, token, address or anonymous; several where it is about all together."""
    client: str
    domain: str
    policy: str | None
    engine: str | None
    level: str
    first: int
    """The second of Unix time of its first query, or of the oldest evidence that is kept."""
    last: int
    octets: int
    """The most that was on the account."""
    evidence: Evidence = Evidence()
    state: State = "open"
    until: int | None = None
    """The second of Unix time at which a mute ends."""
    who: str | None = None
    """Who muted or closed it."""
    why: str | None = None


@dataclass(frozen=True)
class ReadPosition:
    """How far the log of an engine was looked through."""

    engine: str
    spool: str
    offset: int


def read_findings(connection: Connection) -> list[StoredFinding]:
    """All of them, the oldest first."""
    rows = connection.execute(select(FINDINGS).order_by(FINDINGS.c.number))
    return [
        StoredFinding(**{**row._mapping, "evidence": _read_evidence(row.evidence)}) for row in rows
    ]


def read_highest(connection: Connection) -> int:
    """The highest number that a finding was given; 0 before the first."""
    return connection.scalar(select(func.max(FINDINGS_HIGHEST.c.number))) or 0


def write_highest(connection: Connection, number: int) -> None:
    """Replaces the highest number."""
    connection.execute(delete(FINDINGS_HIGHEST))
    connection.execute(insert(FINDINGS_HIGHEST).values(number=number))


def read_positions(connection: Connection) -> dict[str, ReadPosition]:
    """How far each log was looked through, by engine."""
    rows = connection.execute(select(FINDINGS_READ))
    return {row.engine: ReadPosition(**row._mapping) for row in rows}


def write_findings(
    connection: Connection, changed: Iterable[StoredFinding], gone: Iterable[int] = ()
) -> None:
    """Replaces some of them, and removes those that are gone."""
    new = [*changed]
    old = [*gone, *(one.number for one in new)]
    if old:
        connection.execute(delete(FINDINGS).where(FINDINGS.c.number.in_(old)))
    if new:
        connection.execute(insert(FINDINGS), [_row(one) for one in new])


def write_position(connection: Connection, position: ReadPosition) -> None:
    """Replaces the position of an engine."""
    same = FINDINGS_READ.c.engine == position.engine
    connection.execute(delete(FINDINGS_READ).where(same))
    connection.execute(insert(FINDINGS_READ).values(**vars(position)))


def _row(one: StoredFinding) -> dict[str, object]:
    return {**vars(one), "evidence": json.dumps(asdict(one.evidence), ensure_ascii=True)}


def _read_evidence(text: str) -> Evidence:
    found = json.loads(text)
    curve = tuple((int(second), int(octets)) for second, octets in found["curve"])
    names = tuple((str(name), int(second)) for name, second in found["names"])
    # Findings of an earlier version have none of the last three.
    more = (int(found.get("blocked", 0)), bool(found.get("seen_to", False)))
    clients = int(found.get("clients", 0))
    return Evidence(names, curve, found["observed"], found["refused"], *more, clients)
