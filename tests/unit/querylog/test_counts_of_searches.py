"""Counts and live queries agree with what the search finds, in both orders."""

import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from keyhole.querylog.history import Criteria, History
from keyhole.querylog.history.criteria import SearchError
from keyhole.querylog.history.histogram import Histogram, histogram, step_of
from keyhole.querylog.history.live import check_criteria, matching_lines
from keyhole.querylog.history.matching_rows import matching_rows
from keyhole.querylog.history.protection import ProofRules
from keyhole.querylog.history.questions import questions
from keyhole.querylog.history.search import Order, Row
from keyhole.querylog.history.top_values import DIMENSIONS, Dimension, TopValues, top_values
from tests.world.history import Place, line

_BEGIN = 1_795_600_000_000_000
_MINUTE = 60_000_000
_DAY = 1_440 * _MINUTE
_SITES = (
    "www.example.org",
    "a.b.example.org",
    "cdn.example.net",
    "shop.example.co.uk",
    "localhost",
)
_DOMAINS = dict(
    zip(_SITES, ("example.org", "example.org", "example.net", "example.co.uk", None), strict=True)
)
RULES = ProofRules(unproved=("blocked_by_list",))
CRITERIA = {
    "all": Criteria(),
    "outcome": Criteria(outcome="blocked"),
    "reason and transport": Criteria(reason="forwarded", transport="dot"),
    "name": Criteria(name="www.example.org"),
    "below": Criteria(below="example.org"),
    "contains": Criteria(contains="EXAMPLE.N"),
    "expression": Criteria(expression="^[a-c]"),
    "client": Criteria(client="192.0.2.1"),
    "clients": Criteria(client="spiffe://keyhole.lab/*"),
    "token": Criteria(client="tv"),
    "list": Criteria(list="ads"),
    "type": Criteria(type="aaaa"),
    "engine": Criteria(engine="local"),
    "address": Criteria(address="192.0.2.1", outcome="blocked"),
    "in the clear": Criteria(tls="none"),
    "tls to the upstream": Criteria(upstream_tls="none"),
    "slow": Criteria(slower_than_us=500),
    "protected": Criteria(protection="protected"),
    "open": Criteria(protection="open", outcome="answered"),
    "unencrypted": Criteria(protection="unencrypted", proof_rules=RULES),
    "proof": Criteria(proof="token", below="example.org", proof_rules=RULES),
    "nothing": Criteria(policy="none"),
    "several": Criteria(below="example.org", outcome="answered", client="spiffe://keyhole.lab/*"),
}


def _lines() -> list[dict[str, Any]]:
    chance = random.Random(11)
    made = []
    for number in range(240):
        blocked = chance.random() < 0.3
        who = chance.choice(
            [{}, {"token": "tv"}, {"identity": "spiffe://keyhole.lab/ns/shop/sa/web"}]
        )
        made.append(
            line(
                # Several queries of one moment, over three days.
                _BEGIN + number // 3 * 50 * _MINUTE,
                name=chance.choice(_SITES),
                type=chance.choice(["A", "AAAA"]),
                transport=chance.choice(["udp", "dot", "doh"]),
                outcome="blocked" if blocked else "answered",
                reason="blocked_by_list" if blocked else "forwarded",
                list="ads" if blocked else None,
                duration_us=0 if blocked else chance.randrange(1_000),
                **who,
                **({"count": 5} if chance.random() < 0.1 else {}),
            )
        )
    return made


LINES = _lines()


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A history of many small segments, which overlap."""
    place = Place(tmp_path_factory.mktemp("counted") / "data")
    opened = place.open()
    shuffled = LINES[:]
    random.Random(5).shuffle(shuffled)
    for begin in range(0, len(shuffled), 30):
        place.write(*shuffled[begin : begin + 30])
        opened.ingest()
    yield opened
    place.close()


@cache
def _all(history: History, wanted: Criteria, order: Order = "newest") -> list[Row]:
    """All rows, page by page. Nothing is written after `history` was made: most tests compare with
    the same rows."""
    found: list[Row] = []
    after = None
    while True:
        page = history.search(wanted, limit=17, after=after, order=order)
        found += page.rows
        after = page.next
        if after is None:
            return found


def _histogram(history: History, wanted: Criteria, most: int) -> Histogram:
    until = _BEGIN + 30 * _DAY
    return history.ask(lambda c, s, i: histogram(c, s, i, wanted, until=until, most=most))


def _tops(history: History, wanted: Criteria, dimension: Dimension) -> TopValues:
    return history.ask(lambda c, s, i: top_values(c, s, i, wanted, dimension, rules=RULES))


def _count(row: Row) -> int:
    return int(row.fields.get("count", 1))


@pytest.mark.parametrize("wanted", CRITERIA.values(), ids=CRITERIA)
def test_both_orders_find_the_same_rows_each_once(history: History, wanted: Criteria) -> None:
    newest, oldest = _all(history, wanted), _all(history, wanted, "oldest")
    assert [row.key for row in newest] == [row.key for row in reversed(oldest)]
    assert len({row.key for row in newest}) == len(newest)


def test_a_page_leads_back_to_the_rows_before_it(history: History) -> None:
    every = _all(history, Criteria())
    middle = history.search(Criteria(), limit=20, after=every[99].key)
    before = history.search(Criteria(), limit=20, after=middle.rows[0].key, order="oldest")
    assert [row.key for row in before.rows] == [row.key for row in reversed(every[80:100])]


@pytest.mark.parametrize("wanted", CRITERIA.values(), ids=CRITERIA)
@pytest.mark.parametrize("most", [3, 500])
def test_a_histogram_counts_what_the_search_finds(
    history: History, wanted: Criteria, most: int
) -> None:
    found = _histogram(history, wanted, most)
    expected: dict[int, Counter[str]] = {}
    for row in _all(history, wanted):
        bar = row.fields["time"] // found.step * found.step
        expected.setdefault(bar, Counter())[row.fields["outcome"]] += _count(row)
    assert {moment: Counter(counts) for moment, counts in found.bars} == expected
    assert found.total == sum(counts.total() for counts in expected.values())
    assert found.searched_to is None


@pytest.mark.parametrize(("since", "until"), [(0, 1), (7, 1_441), (100, 3_001), (50, 50)])
def test_a_histogram_of_a_span_counts_that_span_alone(
    history: History, since: int, until: int
) -> None:
    span = Criteria(since=_BEGIN + since * _MINUTE, until=_BEGIN + until * _MINUTE)
    for most in (2, 500):
        found = _histogram(history, span, most)
        assert found.total == sum(map(_count, _all(history, span)))
        assert (found.since, found.until) == (span.since, span.until)


@pytest.mark.parametrize("span", [0, 1, 59 * _MINUTE, _DAY, 365 * _DAY, 20_000 * _DAY])
def test_a_histogram_has_no_more_bars_than_asked(span: int) -> None:
    for most in (2, 60, 500):
        # The span may begin within a bar, so it touches one more than fit into it.
        assert -(-span // step_of(_BEGIN, _BEGIN + span, most)) + 1 <= most


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_top_values_count_what_the_search_finds(history: History, dimension: Dimension) -> None:
    for wanted in (Criteria(), Criteria(below="example.org")):
        expected: Counter[str] = Counter()
        for row in _all(history, wanted):
            value = _value(row, dimension)
            if value is not None:
                expected[value] += _count(row)
        found = _tops(history, wanted, dimension).values
        assert {one.value: one.total for one in found} == dict(expected)
        assert [one.total for one in found] == sorted(expected.values(), reverse=True)


def _value(row: Row, dimension: str) -> str | None:
    fields = row.fields
    found: str | None = fields.get(dimension)
    if dimension == "client":
        found = fields["identity"] or fields["token"] or fields["client"]
    if dimension == "domain":
        found = _DOMAINS[fields["name"]]
    if dimension == "protection":
        found = RULES.protection_of(fields)
    if dimension == "proof":
        found = RULES.proof_of(fields)
    return found


def test_a_count_of_too_many_rows_says_how_far_it_went(history: History) -> None:
    every = _all(history, Criteria())
    rows = history.ask(lambda c, s, i: matching_rows(c, s, i, Criteria(), most=60))
    assert rows is not None
    assert rows.searched_to is not None
    newer = [row for row in every if row.fields["time"] > rows.searched_to]
    counted = history.ask(
        lambda cursor, *_: cursor.execute(f"SELECT count(*) FROM {rows.relation}").fetchone()
    )
    assert counted == (len(newer),)
    assert 0 < len(newer) < len(every)


def test_questions_are_alike_queries_each_once(history: History) -> None:
    found = history.ask(lambda c, s, i: questions(c, s, i, Criteria()))
    assert sum(one.queries for one in found.questions) == found.queries
    assert found.queries == sum(map(_count, _all(history, Criteria())))
    seen = {
        (one.identity, one.token, one.client, one.name, one.type, one.reason)
        for one in found.questions
    }
    assert len(seen) == len(found.questions)
    few = history.ask(lambda c, s, i: questions(c, s, i, Criteria(), most=3))
    assert (len(few.questions), few.queries) == (3, found.queries)
    assert few.questions == found.questions[:3]


@pytest.mark.parametrize("wanted", CRITERIA.values(), ids=CRITERIA)
def test_a_live_query_matches_if_the_search_would_find_it(
    history: History, wanted: Criteria
) -> None:
    lines = [{**one, "engine": "local"} for one in LINES]
    matched = matching_lines(history, wanted, lines)
    expected = Counter(_face(row.fields) for row in _all(history, wanted))
    assert Counter(map(_face, matched)) == expected
    assert matched == [one for one in lines if one in matched], "in their order"


def _face(fields: dict[str, Any]) -> tuple[Any, ...]:
    words = ("name", "type", "transport", "outcome", "identity", "token", "duration_us")
    return tuple(fields[word] for word in words)


def test_live_criteria_that_are_not_valid_are_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path)
    with pytest.raises(SearchError, match="the expression is invalid"):
        check_criteria(place.open(), Criteria(expression="("))
    place.close()
