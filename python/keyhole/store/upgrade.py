"""Upgrades the schema of the database to the one of this version of Keyhole."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from keyhole.store.error import StoreError

_LOCK = 0x6B657968  # "keyh": an arbitrary key of an advisory lock


def upgrade(connection: Connection, *, may_be_new: bool = True) -> None:
    """Runs the missing migrations in the transaction of the connection.

    Raises `StoreError` for the schema of a newer Keyhole, since a downgrade could lose data, and
    for a database without any tables unless it ``may_be_new``.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    config = Config()
    config.set_main_option("script_location", "keyhole.store:migrations")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    context = MigrationContext.configure(connection)
    heads = context.get_current_heads()
    if not heads and not may_be_new:
        raise StoreError(
            "the database holds nothing, and it did; restore it from a backup, or run keyhole "
            "setup --new to go on without it"
        )
    for revision in heads:
        if revision not in known:
            raise StoreError(
                f"the database is of a newer Keyhole (its form is {revision}); start that version, "
                "or restore a backup from before the upgrade"
            )
    command.upgrade(config, "head")
