"""The state of a list is one that ends: whoever waits for it is not left waiting."""

from typing import cast

import pytest

from keyhole.control.list_refresh.refresher import ListRefresher
from keyhole.control.list_refresh.report import _state
from keyhole.control.list_refresh.status import ListState, UrlStatus


class _Idle:
    """A refresher that has nothing to do."""

    is_compiling = False


_NEW = UrlStatus("https://lists.example.org/a", "waiting", 0)
_FETCHED = UrlStatus("https://lists.example.org/a", "fresh", 9, sha256="ab" * 32)
_FAILED = UrlStatus("https://lists.example.org/a", "failed", 0, error="HTTP 404")


@pytest.mark.parametrize(
    ("url", "taken", "held", "state"),
    [
        (_NEW, 0, "it is not downloaded yet", "waiting"),
        (_FETCHED, 0, "it is a web page", "held back"),
        (_FETCHED, 2000, "it shrank", "held back"),
        (_FAILED, 0, "it cannot be downloaded: HTTP 404", "held back"),
        (_FETCHED, 2000, "", "in force"),
        (_NEW, None, "", "waiting"),
        (_FETCHED, None, "", "unused"),
    ],
)
def test_only_a_list_that_is_still_to_be_downloaded_waits(
    url: UrlStatus, taken: int | None, held: str, state: ListState
) -> None:
    refresher = cast(ListRefresher, _Idle())
    assert _state((url,), taken, held=held, refresher=refresher) == state
