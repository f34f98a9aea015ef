"""Runs the steps in the transaction of whoever asked; see ``keyhole.store.upgrade``."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
)
context.run_migrations()
