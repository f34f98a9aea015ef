"""Starts what control is made of: the database, list refresh, query history, records, accounts."""

from keyhole.control.startup.services import open_services

__all__ = ["open_services"]
