"""The audit record is append-only, and changes of it are detected."""

import pytest
from sqlalchemy import Connection, text

from keyhole.store import AuditCriteria, AuditEntry, Database, StoreError, append, records, verify

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


def test_records_are_found_by_who_did_it_and_by_what_was_done(database: Database) -> None:
    for who, action in (("anna", "apply"), ("anna", "delete"), ("tom", "apply"), (_HOSTILE, "x")):
        with database.begin() as connection:
            append(connection, AuditEntry(who, "session", action))

    def numbers(**wanted: str) -> list[int]:
        with database.read() as connection:
            found = records(connection, criteria=AuditCriteria(**wanted))
        return [one.number for one in found]

    assert numbers(who="anna") == [2, 1]
    assert numbers(action="apply") == [3, 1]
    assert numbers(who="tom", action="delete") == []
    assert numbers(who=_HOSTILE) == [4]


@pytest.mark.parametrize("column", ["who", "action"])
def test_records_of_one_person_or_action_are_read_by_an_index_in_order(
    database: Database, column: str
) -> None:
    _write(database, 3)
    query = f"SELECT id FROM audit WHERE {column} = 'x' AND id < 3 ORDER BY id DESC LIMIT 2"
    with database.begin() as connection:
        if connection.dialect.name == "sqlite":
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))
        else:
            # So few rows are read faster without an index.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            plan = connection.execute(text(f"EXPLAIN {query}"))
        said = " ".join(str(row) for row in plan)
    assert f"audit_{column}" in said
    assert "SORT" not in said.upper().replace("TEMP B-TREE", "SORT")


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
