"""Indexes of the audit record, for the records of one actor or action, newest first."""

from alembic import op

revision = "0005_audit_indexes"
down_revision = "0004_observed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the indexes. The records stay as they are."""
    op.create_index("audit_who", "audit", ["who", "id"])
    op.create_index("audit_action", "audit", ["action", "id"])
