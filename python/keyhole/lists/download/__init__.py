"""Downloads lists: from public addresses only, within limits, and whole or not at all."""

from keyhole.lists.download.addresses import AddressGuard
from keyhole.lists.download.error import DownloadError
from keyhole.lists.download.fetch import FetchResult, Limits, fetch

__all__ = ["AddressGuard", "DownloadError", "FetchResult", "Limits", "fetch"]
