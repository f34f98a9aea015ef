"""Upgrades the schema of the database to the one of this version of Keyhole."""

from sqlalchemy import Connection, inspect, text

from keyhole.store.error import StoreError

NEWEST = "0006_findings"
"""The revision of the newest migration."""

_LOCK = 0x6B657968  # "keyh": an arbitrary key of an advisory lock


def upgrade(connection: Connection, *, may_be_new: bool = True) -> None:
    """Runs the missing migrations in the transaction of the connection.

    Raises `StoreError` for the schema of a newer Keyhole, since a downgrade could lose data, and
    for a database without any tables unless it ``may_be_new``.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    found = _revisions(connection)
    if found == [NEWEST]:
        return
    if not found and not may_be_new:
        raise StoreError(
            "the database holds nothing, and it did; restore it from a backup (keyhole "
            "restore), or run keyhole setup --new to go on without it"
        )
    from keyhole.store.migrate import Migrations

    migrations = Migrations(connection)
    for revision in found:
        if revision not in migrations.revisions:
            raise StoreError(
                f"the database is of a newer Keyhole (its form is {revision}); start that version, "
                "or restore a backup from before the upgrade (keyhole restore)"
            )
    migrations.run()


def _revisions(connection: Connection) -> list[str]:
    """What the database says of itself; nothing for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))
