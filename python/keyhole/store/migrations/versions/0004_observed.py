"""What files held when their last change was recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0004_observed"
down_revision = "0003_standing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table, empty."""
    op.create_table(
        "observed",
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
