"""Downloads lists: only from allowed addresses, with limits, and atomically."""

from keyhole.lists.download.addresses import AddressGuard
from keyhole.lists.download.error import DownloadError
from keyhole.lists.download.fetch import FetchResult, Limits, fetch

__all__ = ["AddressGuard", "DownloadError", "FetchResult", "Limits", "fetch"]
