"""The audit record: who did what and when. It is append-only."""

from sqlalchemy import Column, Index, Integer, Table, Text

from keyhole.store.tables import METADATA

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("address", Text),
    Column("action", Text, nullable=False),
    Column("message", Text),
    Column("detail", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("audit_who", "who", "id"),
    Index("audit_action", "action", "id"),
)
"""``time`` is RFC 3339 in UTC; ``detail`` is JSON; ``digest`` is the SHA-256 of all other columns,
``before`` that of the record before, so that a changed or missing record is detected."""
