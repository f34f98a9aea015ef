"""Versions of documents."""

import pytest

from keyhole.store import (
    AuditEntry,
    Database,
    StoreError,
    Version,
    append,
    current,
    history,
    revision,
    write_version,
)


def _write(database: Database, name: str, version: int, *, is_deleted: bool = False) -> int:
    with database.begin() as connection:
        change = append(connection, AuditEntry("anna", "socket", "apply"))
        text = "" if is_deleted else f"text {version}"
        write_version(connection, Version("Policy", name, version, text, is_deleted, change))
    return change


def test_the_newest_version_counts_and_the_others_stay(database: Database) -> None:
    _write(database, "home", 1)
    _write(database, "home", 2)
    with database.read() as connection:
        assert current(connection)["Policy", "home"].text == "text 2"
        assert [one.version for one in history(connection, "Policy", "home")] == [2, 1]


def test_a_deleted_document_is_gone_and_its_versions_stay(database: Database) -> None:
    _write(database, "home", 1)
    _write(database, "home", 2, is_deleted=True)
    with database.read() as connection:
        assert current(connection) == {}
        assert current(connection, with_deleted=True)["Policy", "home"].version == 2
        assert len(history(connection, "Policy", "home")) == 2


def test_the_documents_after_an_earlier_change_can_be_read(database: Database) -> None:
    first = _write(database, "home", 1)
    _write(database, "home", 2)
    _write(database, "shop", 1)
    with database.read() as connection:
        then = current(connection, up_to=first)
        assert [one.text for one in then.values()] == ["text 1"]
        assert revision(connection) == first + 2


def test_the_same_version_cannot_be_written_twice(database: Database) -> None:
    _write(database, "home", 1)
    with pytest.raises(StoreError, match="cannot be used"):
        _write(database, "home", 1)


def test_before_the_first_change_there_is_nothing(database: Database) -> None:
    with database.read() as connection:
        assert (current(connection), revision(connection)) == ({}, 0)
