"""Runs the migrations in the transaction of the caller; see ``keyhole.store.upgrade``."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
)
context.run_migrations()
