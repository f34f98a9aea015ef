"""Keeps downloaded lists fresh while Keyhole runs, and tells how they are."""

from keyhole.control.fresh.freshness import Freshness
from keyhole.control.fresh.status import ListStatus, UrlStatus

__all__ = ["Freshness", "ListStatus", "UrlStatus"]
