"""The tables of the newest schema."""

from sqlalchemy import MetaData

METADATA = MetaData()
