"""The tables, as the newest form of the database has them."""

from sqlalchemy import MetaData

METADATA = MetaData()
