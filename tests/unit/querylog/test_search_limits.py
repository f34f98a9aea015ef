"""A search is bounded in what it may ask, in time, and in what it can reach."""

from pathlib import Path

import duckdb
import pytest

from keyhole.querylog.history import Criteria
from keyhole.querylog.history.criteria import SearchError
from tests.world.history import Place, line, names

_NOW = 1_795_600_000_000_000


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Criteria(expression="("), "is invalid"),
        (Criteria(expression="x" * 201), "at most 200"),
        (Criteria(expression="(?P<"), "is invalid"),
    ],
)
def test_an_expression_that_is_none_is_refused(place: Place, wanted: Criteria, why: str) -> None:
    history = place.open()
    place.write(line(_NOW))
    with pytest.raises(SearchError, match=why):
        history.search(wanted)


def test_an_expression_that_would_take_forever_elsewhere_does_not(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW, name="a" * 60 + ".example"))
    assert names(history, Criteria(expression="^(a+)+$")) == []


def test_a_value_never_becomes_a_part_of_the_question(place: Place) -> None:
    history = place.open()
    place.write(line(_NOW))
    evil = "' OR 1=1 --"
    for wanted in (
        Criteria(name=evil),
        Criteria(client=evil),
        Criteria(list=evil),
        Criteria(contains=evil),
    ):
        assert names(history, wanted) == []


def test_a_search_that_takes_too_long_says_how_far_it_came(place: Place) -> None:
    from keyhole.querylog.history.search import search

    history = place.open()
    for number in range(6):
        place.write(line(_NOW + number * 10, name=f"n{number}"))
        history.ingest()
    found: list[str] = []
    after = None
    rounds = 0
    while True:
        rounds += 1
        with history._cursor() as cursor:
            page = search(cursor, history.segments, Criteria(), limit=4, after=after, timeout=0.0)
        found += [row.fields["name"] for row in page.rows]
        after = page.next
        if after is None:
            break
        assert rounds < 20
    assert found == [f"n{number}" for number in reversed(range(6))]
    assert rounds > 2


def test_the_database_reaches_nothing_outside_of_its_folder(place: Place, tmp_path: Path) -> None:
    history = place.open()
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for question in (
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ):
        with history._cursor() as cursor, pytest.raises(duckdb.Error):
            cursor.execute(question)
