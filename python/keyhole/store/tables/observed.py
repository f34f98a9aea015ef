"""What files held when their last change was recorded, so that the next one is noticed, too, if it
happens while control does not run."""

from sqlalchemy import Column, Table, Text

from keyhole.store.tables import METADATA

OBSERVED = Table(
    "observed",
    METADATA,
    Column("item", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("text", Text, nullable=False),
)
"""``item`` is a document such as ``Policy/base``, or a file; ``digest`` is the SHA-256 of what it
holds, ``place`` the file, and ``text`` the text of a document, empty for other files."""
