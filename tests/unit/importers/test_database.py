"""Malicious databases are refused."""

import sqlite3
from pathlib import Path

import pytest

from keyhole.importers import database as limits
from keyhole.importers.database import open_database
from keyhole.importers.error import ImporterError
from keyhole.importers.report import Report


def _made(path: Path, script: str) -> Path:
    with sqlite3.connect(path) as made:
        made.executescript(script)
    made.close()
    return path


def test_plain_tables_are_read_and_the_file_stays_as_it_was(tmp_path: Path) -> None:
    file = _made(tmp_path / "x.db", "CREATE TABLE a (b, c); INSERT INTO a VALUES (1, 'x');")
    before = file.read_bytes(), sorted(tmp_path.iterdir())
    with open_database(file, "x.db", "a") as database:
        assert database.rows("a", Report()) == [{"b": 1, "c": "x"}]
        assert database.rows("missing", Report()) == []
    assert (file.read_bytes(), sorted(tmp_path.iterdir())) == before


@pytest.mark.parametrize(
    "script",
    [
        "CREATE VIEW a AS SELECT 1 AS id",
        "CREATE TABLE b (id); CREATE VIEW a AS SELECT load_extension('/tmp/x') AS id FROM b",
        "CREATE VIRTUAL TABLE a USING fts5(id)",
    ],
)
def test_a_view_or_virtual_table_is_no_table(tmp_path: Path, script: str) -> None:
    with open_database(_made(tmp_path / "x.db", script), "x.db", "a") as database:
        assert database.rows("a", Report()) == []


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE a (id, b AS (abs(id))); INSERT INTO a VALUES (1)",
        "CREATE TABLE a (id, b AS (printf('%.*c', 100000000, 'x'))); INSERT INTO a VALUES (1)",
    ],
)
def test_no_function_of_the_schema_runs(tmp_path: Path, script: str) -> None:
    file = _made(tmp_path / "x.db", script)
    report = Report()
    with open_database(file, "x.db", "a") as database:
        assert database.rows("a", report) == []
    assert "computed columns" in report.items[0].why


def test_nothing_but_the_named_tables_can_be_read(tmp_path: Path) -> None:
    file = _made(tmp_path / "x.db", "CREATE TABLE a (id); CREATE TABLE secret (id);")
    report = Report()
    with open_database(file, "x.db", "a") as database:
        assert database.rows("secret", report) == []
    assert "prohibited" in report.items[0].why


def test_nothing_can_be_attached_or_written(tmp_path: Path) -> None:
    file = _made(tmp_path / "x.db", "CREATE TABLE a (id)")
    with open_database(file, "x.db", "a") as database:
        for statement in (
            "ATTACH 'other.db' AS o",
            "INSERT INTO a VALUES (1)",
            "PRAGMA user_version",
        ):
            with pytest.raises(sqlite3.Error):
                database._connection.execute(statement)


def test_a_query_that_takes_too_long_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_QUERY_SECONDS", 0.0)
    monkeypatch.setattr(limits, "_STEPS_BETWEEN_CHECKS", 1)
    file = _made(tmp_path / "x.db", "CREATE TABLE a (id)")
    with pytest.raises(ImporterError, match="interrupted"), open_database(file, "x.db", "a"):
        pass


def test_of_more_rows_or_text_than_any_export_has_the_first_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _made(tmp_path / "x.db", "CREATE TABLE a (id)")
    with sqlite3.connect(file) as made:
        made.executemany("INSERT INTO a VALUES (?)", [("x" * 100,)] * 50)
    made.close()
    for name, most in (("MAX_ROWS", 49), ("MAX_TABLE", 4999)):
        with monkeypatch.context() as patch:
            patch.setattr(limits, name, most)
            report = Report()
            with open_database(file, "x.db", "a") as database:
                assert len(database.rows("a", report)) == 49
            assert "larger than in any export" in report.items[0].why


def test_one_value_larger_than_any_is_refused(tmp_path: Path) -> None:
    file = _made(tmp_path / "x.db", "CREATE TABLE a (id)")
    with sqlite3.connect(file) as made:
        made.execute("INSERT INTO a VALUES (?)", ("x" * 1_000_000,))
    made.close()
    report = Report()
    with open_database(file, "x.db", "a") as database:
        assert database.rows("a", report) == []
    assert "too big" in report.items[0].why


@pytest.mark.parametrize("octets", [b"", b"not a database", b"SQLite format 3\0" + bytes(2000)])
def test_what_is_no_database_is_told_so(octets: bytes) -> None:
    with pytest.raises(ImporterError), open_database(octets, "gravity.db", "a"):
        pass
