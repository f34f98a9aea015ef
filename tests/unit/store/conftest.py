"""A database of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyhole.store import Database
from tests.world.postgres import MISSING, Postgres, find_programs


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of a run."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    server = Postgres(programs)
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/control.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An empty database, opened."""
    one = Database(url)
    yield one
    one.close()
