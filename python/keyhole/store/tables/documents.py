"""Documents in all versions. A version is never changed and never removed."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from keyhole.store.tables import METADATA

VERSIONS = Table(
    "document_versions",
    METADATA,
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    Column("change", Integer, ForeignKey("audit.id"), nullable=False),
    UniqueConstraint("kind", "name", "version", name="document_versions_once"),
    Index("document_versions_change", "change"),
)
"""``text`` is the YAML as written, with comments; empty for a deletion."""
