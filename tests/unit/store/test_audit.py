"""The audit record is append-only, and changes of it are detected."""

import pytest
from sqlalchemy import Connection, text

from keyhole.store import AuditEntry, Database, StoreError, append, records, verify

_HOSTILE = 'é "; DROP TABLE audit; --\u202e\x1b[31m'


def _write(database: Database, count: int) -> None:
    for number in range(count):
        with database.begin() as connection:
            append(
                connection,
                AuditEntry("anna", "token", "apply", "192.0.2.1", _HOSTILE, {"n": number}),
            )


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET who = 'eve'", "DELETE FROM audit", "DELETE FROM document_versions"],
)
def test_the_database_refuses_to_change_what_is_written(database: Database, statement: str) -> None:
    from keyhole.store import Version, write_version

    with database.begin() as connection:
        change = append(connection, AuditEntry("anna", "socket", "apply"))
        write_version(connection, Version("Policy", "home", 1, "text", False, change))
    with pytest.raises(StoreError, match="only grows"), database.begin() as connection:
        connection.execute(text(statement))


def test_records_come_newest_first_page_by_page(database: Database) -> None:
    _write(database, 5)
    with database.read() as connection:
        assert [one.number for one in records(connection, most=2)] == [5, 4]
        assert [one.number for one in records(connection, before=4, most=2)] == [3, 2]
        assert [one.number for one in records(connection, after=3)] == [4, 5]
        newest = records(connection, most=1)[0]
    assert newest.entry == AuditEntry("anna", "token", "apply", "192.0.2.1", _HOSTILE, {"n": 4})


def test_an_unchanged_audit_record_is_valid(database: Database) -> None:
    _write(database, 3)
    with database.read() as connection:
        assert verify(connection) == (3, None)


@pytest.mark.parametrize(
    ("meddle", "whole", "what"),
    [
        ("UPDATE audit SET who = 'eve' WHERE id = 2", 1, "record 2 was changed"),
        ("DELETE FROM audit WHERE id = 2", 1, "record 2 is missing"),
        ("DELETE FROM audit WHERE id = 1", 0, "record 1 is missing"),
    ],
)
def test_a_changed_row_is_detected(database: Database, meddle: str, whole: int, what: str) -> None:
    _write(database, 3)
    with database.begin() as connection:
        _without_guards(connection)
        connection.execute(text(meddle))
    with database.read() as connection:
        assert verify(connection) == (whole, what)


def _without_guards(connection: Connection) -> None:
    """An attack by the owner of the database."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("DROP TRIGGER audit_no_delete"))
    else:
        connection.execute(text("DROP TRIGGER audit_only_grows ON audit"))
