"""Pauses of blocking and decisions about names, with who made them and why."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from keyhole.model.overrides import Decision, Overrides, Pause
from keyhole.store.tables.overrides import DECISIONS, PAUSES


@dataclass(frozen=True)
class StoredPause:
    """A pause, who made it, and what they said of it."""

    pause: Pause
    who: str
    why: str | None


@dataclass(frozen=True)
class StoredDecision:
    """A decision, who made it, and what they said of it."""

    decision: Decision
    who: str
    why: str | None


def pauses(connection: Connection) -> list[StoredPause]:
    """All pauses that were not removed, that of all policies first."""
    rows = connection.execute(select(PAUSES).order_by(PAUSES.c.policy))
    return [
        StoredPause(
            Pause(policy=row.policy or None, since=row.since, until=row.until), row.who, row.why
        )
        for row in rows
    ]


def decisions(connection: Connection) -> list[StoredDecision]:
    """All decisions that were not removed, the newest first."""
    rows = connection.execute(select(DECISIONS).order_by(DECISIONS.c.number.desc()))
    found = []
    for row in rows:
        fields = dict(row._mapping)
        who, why = fields.pop("who"), fields.pop("why")
        found.append(StoredDecision(Decision(**fields), who, why))
    return found


def read_overrides(connection: Connection) -> Overrides:
    """All of it, as it is laid over a snapshot."""
    return Overrides(
        pauses=[one.pause for one in pauses(connection)],
        decisions=[one.decision for one in decisions(connection)],
    )


def write_pause(connection: Connection, kept: StoredPause) -> None:
    """Writes a pause in the place of the one of the same policy."""
    policy = kept.pause.policy or ""
    connection.execute(delete(PAUSES).where(PAUSES.c.policy == policy))
    row = {**kept.pause.model_dump(), "policy": policy, "who": kept.who, "why": kept.why}
    connection.execute(insert(PAUSES).values(**row))


def remove_pauses(connection: Connection, policy: str | None) -> int:
    """Removes the pause of a policy, or without one every pause; gives how many there were."""
    condition = () if policy is None else (PAUSES.c.policy == policy,)
    return connection.execute(delete(PAUSES).where(*condition)).rowcount


def write_decision(connection: Connection, kept: StoredDecision) -> None:
    """Writes a decision in the place of one about the same names and client."""
    row = kept.decision.model_dump()
    same: list[ColumnElement[bool]] = [
        DECISIONS.c.name == row["name"],
        DECISIONS.c.below == row["below"],
        DECISIONS.c.client.is_not_distinct_from(row["client"]),
    ]
    connection.execute(delete(DECISIONS).where(*same))
    connection.execute(insert(DECISIONS).values(**row, who=kept.who, why=kept.why))


def remove_decision(connection: Connection, number: int) -> bool:
    """Removes a decision; gives whether there was one."""
    gone = connection.execute(delete(DECISIONS).where(DECISIONS.c.number == number))
    return gone.rowcount > 0


def remove_ended(connection: Connection, second: int) -> None:
    """Removes what has ended by then."""
    connection.execute(delete(PAUSES).where(PAUSES.c.until <= second))
    connection.execute(delete(DECISIONS).where(DECISIONS.c.until <= second))
