"""Documents in all versions."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from keyhole.store.tables.documents import VERSIONS


@dataclass(frozen=True)
class Version:
    """One version of a document, from 1; ``change`` is the number of its audit record."""

    kind: str
    name: str
    version: int
    text: str
    is_deleted: bool
    change: int

    @property
    def label(self) -> str:
        """Kind and name, such as ``Policy/base``."""
        return f"{self.kind}/{self.name}"


def current(
    connection: Connection, *, with_deleted: bool = False, up_to: int | None = None
) -> dict[tuple[str, str], Version]:
    """The newest version of each document by kind and name, sorted; with ``up_to``, the state after
    that change."""
    newest = select(
        VERSIONS.c.kind, VERSIONS.c.name, func.max(VERSIONS.c.version).label("version")
    ).group_by(VERSIONS.c.kind, VERSIONS.c.name)
    if up_to is not None:
        newest = newest.where(VERSIONS.c.change <= up_to)
    last = newest.subquery()
    query = (
        select(VERSIONS)
        .join(
            last,
            (VERSIONS.c.kind == last.c.kind)
            & (VERSIONS.c.name == last.c.name)
            & (VERSIONS.c.version == last.c.version),
        )
        .order_by(VERSIONS.c.kind, VERSIONS.c.name)
    )
    found = (Version(**row._mapping) for row in connection.execute(query))
    return {(one.kind, one.name): one for one in found if with_deleted or not one.is_deleted}


def history(connection: Connection, kind: str, name: str) -> list[Version]:
    """All versions of a document, the newest first; empty if there never was one."""
    query = (
        select(VERSIONS)
        .where(VERSIONS.c.kind == kind, VERSIONS.c.name == name)
        .order_by(VERSIONS.c.version.desc())
    )
    return [Version(**row._mapping) for row in connection.execute(query)]


def changed_by(connection: Connection, change: int) -> list[Version]:
    """The versions that one change wrote."""
    query = (
        select(VERSIONS)
        .where(VERSIONS.c.change == change)
        .order_by(VERSIONS.c.kind, VERSIONS.c.name)
    )
    return [Version(**row._mapping) for row in connection.execute(query)]


def revision(connection: Connection) -> int:
    """The number of the last change of any document; 0 before the first."""
    return connection.execute(select(func.max(VERSIONS.c.change))).scalar() or 0


def write_version(connection: Connection, version: Version) -> None:
    """Writes a new version; the database refuses a number that exists already."""
    connection.execute(insert(VERSIONS).values(**vars(version)))
