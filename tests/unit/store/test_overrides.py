"""Pauses and decisions are stored once each, and removed when they have ended."""

import pytest

from keyhole.model.overrides import Decision, Pause
from keyhole.store import Database
from keyhole.store.overrides import (
    StoredDecision,
    StoredPause,
    decisions,
    pauses,
    read_overrides,
    remove_decision,
    remove_ended,
    remove_pauses,
    write_decision,
    write_pause,
)


def pause(policy: str | None, until: int, who: str = "ada") -> StoredPause:
    return StoredPause(Pause(policy=policy, since=1, until=until), who, None)


def decision(number: int, *, client: str | None = None, until: int | None = None) -> StoredDecision:
    what = Decision(
        number=number, action="allow", name="a.test", below=False, client=client, since=1,
        until=until,
    )  # fmt: skip
    return StoredDecision(what, "ada", "why not")


def test_a_policy_has_one_pause_and_all_together_have_another(database: Database) -> None:
    with database.begin() as connection:
        for kept in (pause(None, 5), pause("home", 6), pause("home", 7, "bob")):
            write_pause(connection, kept)
    with database.read() as connection:
        assert pauses(connection) == [pause(None, 5), pause("home", 7, "bob")]
    with database.begin() as connection:
        assert remove_pauses(connection, "home") == 1
        assert remove_pauses(connection, "home") == 0
        assert remove_pauses(connection, None) == 1


def test_a_later_decision_takes_the_place_of_one_about_the_same_names_and_client(
    database: Database,
) -> None:
    with database.begin() as connection:
        for kept in (decision(1), decision(2, client="token:tv"), decision(3)):
            write_decision(connection, kept)
    with database.read() as connection:
        assert decisions(connection) == [decision(3), decision(2, client="token:tv")]
    with database.begin() as connection:
        assert remove_decision(connection, 3)
        assert not remove_decision(connection, 3)


@pytest.mark.parametrize("second", [4, 5])
def test_ended_overrides_are_removed_and_endless_ones_stay(database: Database, second: int) -> None:
    with database.begin() as connection:
        write_pause(connection, pause(None, 5))
        write_decision(connection, decision(1, client="token:tv", until=5))
        write_decision(connection, decision(2))
        remove_ended(connection, second)
        left = read_overrides(connection)
    assert (len(left.pauses), len(left.decisions)) == ((1, 2) if second == 4 else (0, 1))
    assert left.next_end == (5 if second == 4 else None)
