"""Opening a database, and transactions."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from keyhole.store import AuditEntry, Database, StoreError, append, records
from keyhole.store.migrate import Migrations
from keyhole.store.upgrade import NEWEST


def test_opening_it_again_finds_what_was_written(url: str) -> None:
    first = Database(url)
    with first.begin() as connection:
        append(connection, AuditEntry("anna", "socket", "apply"))
    first.close()
    second = Database(url)
    with second.read() as connection:
        assert [one.entry.who for one in records(connection)] == ["anna"]
    second.close()


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    def half() -> None:
        with database.begin() as connection:
            append(connection, AuditEntry("anna", "socket", "apply"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    with database.read() as connection:
        assert records(connection) == []


def test_many_writers_at_once_wait_for_each_other(database: Database) -> None:
    def write(number: int) -> None:
        with database.begin() as connection:
            append(connection, AuditEntry(f"person {number}", "token", "apply"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(40)))
    with database.read() as connection:
        assert [one.number for one in records(connection)] == list(range(40, 0, -1))


def test_a_database_of_a_newer_version_is_refused_and_left_alone(url: str) -> None:
    first = Database(url)
    with first.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    first.close()
    with pytest.raises(StoreError, match=r"of a newer Keyhole.*9999_later"):
        Database(url)


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    database = Database.in_file(tmp_path / "control.db")
    with database.begin() as connection:
        append(connection, AuditEntry("anna", "socket", "apply"))
        # The journal beside it holds the same rows while they are written.
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) > 1
    assert set(modes.values()) == {0o600}


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    where = f"postgresql://keyhole:geheim@/keyhole?host={tmp_path}"
    with pytest.raises(StoreError) as raised:
        Database(where)
    assert "geheim" not in str(raised.value)
    assert "cannot be used" in str(raised.value)


@pytest.mark.parametrize("wrong", ["mysql://there/keyhole", "nonsense"])
def test_what_is_no_supported_database_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(StoreError, match="postgresql://USER:PASSWORD@HOST/NAME"):
        Database(wrong)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "control.db"
    file.write_bytes(b"these are notes and not a database" * 100)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        Database.in_file(file)
    assert file.read_bytes() == before


def test_the_newest_schema_is_that_of_the_last_migration(database: Database) -> None:
    with database.read() as connection:
        assert Migrations(connection).newest == NEWEST
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == NEWEST
