"""Alike queries that share a row are counted one by one."""

from typing import Any

from keyhole.querylog.history import Criteria, EdgeCriteria, History, Retention
from tests.world.history import Place, line

_NOW = 1_790_000_000_000_000
_SPAN = (0, 2 * _NOW)
_ROWS: tuple[dict[str, Any], ...] = (
    {"name": "a.example.org", "count": 70},
    {"name": "a.example.org"},
    {"name": "b.example.org", "outcome": "blocked", "reason": "blocked_by_list", "count": 5},
)


_EXPECTED = [
    {"answered": 71, "blocked": 5},
    [("a.example.org", 71, 0), ("b.example.org", 5, 5)],
    [("b.example.org", 5)],
    76,
]


def _counts(history: History) -> list[Any]:
    tops = history.tops("name", *_SPAN, most=9)
    blocked = history.tops("name", *_SPAN, most=9, is_withheld=True)
    return [
        history.totals(*_SPAN).by_outcome,
        [(one.value, one.total, one.withheld) for one in tops],
        [(one.value, one.withheld) for one in blocked],
        sum(sum(counts.values()) for _, counts in history.series(*_SPAN, 10)),
    ]


def test_all_counts_are_those_of_queries_and_not_of_rows(place: Place) -> None:
    place.write(*(line(_NOW + number, **row) for number, row in enumerate(_ROWS)))
    history = place.open()
    assert len(history.search(Criteria()).rows) == 3
    assert sum(edge.queries for edge in history.edges(EdgeCriteria(*_SPAN))) == 76
    assert _counts(history) == _EXPECTED
    found = history.search(Criteria(name="b.example.org")).rows
    assert [row.fields["count"] for row in found] == [5]


def test_counts_are_the_same_once_their_rows_are_gone(place: Place) -> None:
    place.write(*(line(_NOW + number, **row) for number, row in enumerate(_ROWS)))
    history = place.open(Retention(1, 2**50, 10**9))
    history.ingest()
    assert history.maintain() == 3
    assert _counts(history) == _EXPECTED
