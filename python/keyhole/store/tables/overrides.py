"""What people decided for a while, beside the documents. What is over is removed: the audit record
keeps that it was."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text

from keyhole.store.tables import METADATA

PAUSES = Table(
    "pauses",
    METADATA,
    Column("policy", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text),
)
"""``policy`` is empty for a pause of all; ``since`` and ``until`` are seconds of Unix time."""

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("action", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("below", Boolean, nullable=False),
    Column("client", Text),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("who", Text, nullable=False),
    Column("why", Text),
)
"""``number`` is that of the audit record that made it."""
