"""Findings, and how far the query logs were looked through for them."""

import sqlalchemy as sa
from alembic import op

revision = "0006_findings"
down_revision = "0005_audit_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, empty."""
    op.create_table(
        "findings",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("client_kind", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("policy", sa.Text),
        sa.Column("engine", sa.Text),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("octets", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("who", sa.Text),
        sa.Column("why", sa.Text),
    )
    op.create_table(
        "findings_read",
        sa.Column("engine", sa.Text, primary_key=True),
        sa.Column("spool", sa.Text, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "findings_highest",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    )
