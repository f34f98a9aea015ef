"""A database of each kind."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

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
def kind(request: pytest.FixtureRequest) -> str:
    """Which kind of database."""
    word: str = request.param
    return word


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> str:
    """Where an empty database is."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/control.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(scope="session")
def upgraded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the newest schema and no rows."""
    path = tmp_path_factory.mktemp("upgraded") / "control.db"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def upgraded_name(postgres: Postgres) -> str:
    """The name of such a database of PostgreSQL."""
    url = postgres.new_database()
    Database(url).close()
    return str(make_url(url).database)


@pytest.fixture
def database(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Database]:
    """A database without rows, opened. It is a copy: each run of the migrations takes a tenth of a
    second."""
    if kind == "sqlite":
        file = tmp_path / "control.db"
        shutil.copy(request.getfixturevalue("upgraded_file"), file)
        one = Database(f"sqlite:///{file}")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        one = Database(server.new_database(like=request.getfixturevalue("upgraded_name")))
    yield one
    one.close()
