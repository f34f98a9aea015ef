"""Keeps downloaded lists fresh while Keyhole runs, and tells how they are."""

from keyhole.control.list_refresh.refresher import ListRefresher
from keyhole.control.list_refresh.status import ListStatus, UrlStatus

__all__ = ["ListRefresher", "ListStatus", "UrlStatus"]
