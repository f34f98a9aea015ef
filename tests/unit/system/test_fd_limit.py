"""The limit of open files."""

import resource
from collections.abc import Iterator

import pytest

from keyhole.system import fd_limit


@pytest.fixture(autouse=True)
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, put back behind the test."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_is_raised_to_the_hard_one(limits: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
    assert fd_limit.allow(1) is None
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == limits[1]


def test_a_limit_that_cannot_hold_the_connections_is_told_with_what_would_be_right(
    limits: tuple[int, int],
) -> None:
    if limits[1] == resource.RLIM_INFINITY:
        pytest.skip("this system has no limit of open files")
    advice = fd_limit.allow(limits[1])
    assert advice is not None
    assert f"raise the limit to {limits[1] + fd_limit.RESERVE}" in advice
