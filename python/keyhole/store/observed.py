"""What files held when their last change was recorded."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select

from keyhole.store.tables.observed import OBSERVED


@dataclass(frozen=True)
class ObservedItem:
    """A document or another file; ``text`` is empty where only the digest is kept."""

    item: str
    digest: str
    place: str
    text: str = ""


def observed(connection: Connection) -> dict[str, ObservedItem]:
    """All of them, by name."""
    rows = connection.execute(select(OBSERVED))
    return {row.item: ObservedItem(row.item, row.digest, row.place, row.text) for row in rows}


def write_observed(
    connection: Connection, items: Iterable[ObservedItem], gone: Iterable[str] = ()
) -> None:
    """Replaces some of them, and removes those that are gone."""
    new = [*items]
    old = [{"old": name} for name in [*gone, *(one.item for one in new)]]
    if old:
        connection.execute(delete(OBSERVED).where(OBSERVED.c.item == bindparam("old")), old)
    if new:
        connection.execute(insert(OBSERVED), [vars(one) for one in new])
