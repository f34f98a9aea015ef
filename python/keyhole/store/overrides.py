"""Pauses of blocking and decisions about names, each with its author and reason."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from keyhole.model.overrides import Decision, Overrides, Pause
from keyhole.store.tables.overrides import DECISIONS, PAUSES


@dataclass(frozen=True)
class StoredPause:
    """A pause with its author and reason."""

    pause: Pause
    who: str
    why: str | None


@dataclass(frozen=True)
class StoredDecision:
    """A decision with its author and reason."""

    decision: Decision
    who: str
    why: str | None


def pauses(connection: Connection) -> list[StoredPause]:
    """All stored pauses; the pause of all policies comes first."""
    rows = connection.execute(select(PAUSES).order_by(PAUSES.c.policy))
    return [
        StoredPause(
            Pause(policy=row.policy or None, since=row.since, until=row.until), row.who, row.why
        )
        for row in rows
    ]


def decisions(connection: Connection) -> list[StoredDecision]:
    """All stored decisions, the newest first."""
    rows = connection.execute(select(DECISIONS).order_by(DECISIONS.c.number.desc()))
    found = []
    for row in rows:
        fields = dict(row._mapping)
        who, why = fields.pop("who"), fields.pop("why")
        found.append(StoredDecision(Decision(**fields), who, why))
    return found


def read_overrides(connection: Connection) -> Overrides:
    """All stored overrides, without authors and reasons."""
    return Overrides(
        pauses=[one.pause for one in pauses(connection)],
        decisions=[one.decision for one in decisions(connection)],
    )


def write_pause(connection: Connection, stored: StoredPause) -> None:
    """Writes a pause; replaces the one of the same policy."""
    policy = stored.pause.policy or ""
    connection.execute(delete(PAUSES).where(PAUSES.c.policy == policy))
    row = {**stored.pause.model_dump(), "policy": policy, "who": stored.who, "why": stored.why}
    connection.execute(insert(PAUSES).values(**row))


def remove_pauses(connection: Connection, policy: str | None) -> int:
    """Removes the pause of a policy, or all pauses for none; returns their number."""
    condition = () if policy is None else (PAUSES.c.policy == policy,)
    return connection.execute(delete(PAUSES).where(*condition)).rowcount


def write_decision(connection: Connection, stored: StoredDecision) -> None:
    """Writes a decision; replaces one about the same names and client."""
    row = stored.decision.model_dump()
    same: list[ColumnElement[bool]] = [
        DECISIONS.c.name == row["name"],
        DECISIONS.c.below == row["below"],
        DECISIONS.c.client.is_not_distinct_from(row["client"]),
    ]
    connection.execute(delete(DECISIONS).where(*same))
    connection.execute(insert(DECISIONS).values(**row, who=stored.who, why=stored.why))


def remove_decision(connection: Connection, number: int) -> bool:
    """Removes a decision; returns whether it existed."""
    gone = connection.execute(delete(DECISIONS).where(DECISIONS.c.number == number))
    return gone.rowcount > 0


def remove_ended(connection: Connection, second: int) -> None:
    """Removes pauses and decisions that have ended by this second of Unix time."""
    connection.execute(delete(PAUSES).where(PAUSES.c.until <= second))
    connection.execute(delete(DECISIONS).where(DECISIONS.c.until <= second))
