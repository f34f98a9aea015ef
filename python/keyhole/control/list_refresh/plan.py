"""When to download each URL again."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyhole.config.declaration import Declaration
from keyhole.lists.download_store import DownloadState
from keyhole.model.list import ListSpec

FIRST_RETRY_SECONDS = 60.0
MAX_RETRY_SECONDS = 6 * 3600.0
_JITTER = 0.1


@dataclass(frozen=True)
class ListUrl:
    """A URL of one or more lists, and its refresh interval in seconds."""

    url: str
    refresh: int


def list_urls(lists: Iterable[Declaration[ListSpec]]) -> dict[str, ListUrl]:
    """Each URL once; with several lists, the shortest interval counts."""
    urls: dict[str, ListUrl] = {}
    for one in lists:
        for url in one.spec.urls:
            before = urls.get(url)
            refresh = min(one.spec.refresh, before.refresh) if before else one.spec.refresh
            urls[url] = ListUrl(url, refresh)
    return urls


def next_after_success(now: float, refresh: int) -> float:
    """When to download again, with jitter, so that clients do not all ask at the same time."""
    return now + refresh * random.uniform(1 - _JITTER, 1.0)  # noqa: S311  (no secret)


def next_after_failure(now: float, failures: int, refresh: int) -> float:
    """When to retry after this many failures in a row: exponential back-off, at most the refresh
    interval."""
    pause = FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 20)
    pause = min(pause, MAX_RETRY_SECONDS, float(refresh))
    return now + pause * random.uniform(1 - _JITTER, 1.0)  # noqa: S311  (no secret)


def is_due(download: DownloadState, list_url: ListUrl, now: float) -> bool:
    """Whether a download is due, also after the clock was set back or the interval cut."""
    if download.next_at <= now:
        return True
    return download.next_at > now + list_url.refresh


def seconds_until_due(downloads: Mapping[str, DownloadState], now: float) -> float | None:
    """Seconds until the next download is due; none if there is no URL."""
    if not downloads:
        return None
    return max(0.0, min(one.next_at for one in downloads.values()) - now)
