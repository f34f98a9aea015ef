"""What the tests of the query log share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world.history import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty history."""
    one = Place(tmp_path)
    yield one
    one.close()
