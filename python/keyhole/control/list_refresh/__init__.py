"""Refreshes downloaded lists while Keyhole runs, and reports their status."""

from keyhole.control.list_refresh.refresher import ListRefresher
from keyhole.control.list_refresh.status import ListStatus, UrlStatus

__all__ = ["ListRefresher", "ListStatus", "UrlStatus"]
