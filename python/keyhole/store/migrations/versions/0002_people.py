"""Accounts, their sessions, and API tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0002_people"
down_revision = "0001_documents"
branch_labels = None
depends_on = None


def _person() -> sa.ForeignKey:
    return sa.ForeignKey("people.name", ondelete="CASCADE")


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "people",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("one_time_until", sa.BigInteger),
        sa.Column("is_disabled", sa.Boolean, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("last_login", sa.BigInteger),
        sa.Column("totp", sa.Text),
        sa.Column("totp_draft", sa.Text),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "people_recovery_codes",
        sa.Column("person", sa.Text, _person(), primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
    )
    op.create_table(
        "people_places",
        sa.Column("person", sa.Text, _person(), primary_key=True),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("seen", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "people_sessions",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("person", sa.Text, _person()),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
    )
    op.create_index("people_sessions_person", "people_sessions", ["person"])
    op.create_table(
        "api_tokens",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("networks", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger),
        sa.Column("maker", sa.Text, _person()),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("used", sa.BigInteger),
        sa.Column("used_from", sa.Text),
    )
