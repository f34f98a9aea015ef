"""What a test of one upstream says went wrong."""

from typing import Any, cast

import pytest

from keyhole.control.upstream_test import UpstreamTest
from keyhole.model.engine_stats import UpstreamStats


@pytest.mark.parametrize(
    ("last_error", "is_answered", "reason", "said"),
    [
        (None, True, "forwarded", None),
        ("an old one", True, "forwarded", None),
        ("connection refused", False, "upstream_failed", "connection refused"),
        (None, False, "upstream_failed", "upstream_failed"),
        # Nothing came, neither an answer nor an error: the question is still on its way.
        (None, False, "forwarded", "no answer in time"),
    ],
)
def test_an_upstream_that_keeps_silent_is_not_called_forwarded(
    last_error: str | None, is_answered: bool, reason: str, said: str | None
) -> None:
    stats = cast(UpstreamStats, cast(Any, {"last_error": last_error}))
    assert UpstreamTest(stats, is_answered, reason).error == said
