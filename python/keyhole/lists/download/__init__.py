"""Downloads lists: from public addresses only, within limits, and whole or not at all."""

from keyhole.lists.download.addresses import Guard
from keyhole.lists.download.error import DownloadError
from keyhole.lists.download.fetch import Fetched, Limits, fetch

__all__ = ["DownloadError", "Fetched", "Guard", "Limits", "fetch"]
