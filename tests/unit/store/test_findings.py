"""Findings are stored whole, once each, with how far the log was looked through."""

from dataclasses import replace

from keyhole.store import Database
from keyhole.store.findings import (
    Evidence,
    ReadPosition,
    StoredFinding,
    read_findings,
    read_highest,
    read_positions,
    write_findings,
    write_highest,
    write_position,
)

_EVIDENCE = Evidence(
    (("a.evil.example", 4), ("\\000é.evil.example", 5)), ((5, 1_030),), {"alert": 1}
)
_ONE = StoredFinding(
    1, "tunnel", "token", "tv", "evil.example", None, None, "alert", 5, 5, 1_030, _EVIDENCE
)


def test_a_finding_is_stored_whole_and_a_later_one_takes_its_place(database: Database) -> None:
    muted = replace(_ONE, state="muted", until=9, who="ada", why="backup")
    with database.begin() as connection:
        write_findings(connection, [_ONE, replace(_ONE, number=2)])
        write_position(connection, ReadPosition("local", "abc", 7))
    with database.begin() as connection:
        write_findings(connection, [muted], gone=[2])
        write_position(connection, ReadPosition("local", "abc", 8))
        assert read_highest(connection) == 0
        write_highest(connection, 2)
        write_highest(connection, 2**40)
    with database.read() as connection:
        assert read_findings(connection) == [muted]
        assert read_highest(connection) == 2**40
        assert read_positions(connection) == {"local": ReadPosition("local", "abc", 8)}
