"""New lines of the query log are ingested before they are old or many."""

from pathlib import Path

import pytest

from keyhole.control import ingest_pace
from keyhole.control.ingest_pace import MAX_OCTETS, MAX_SECONDS, IngestPace


class Clock:
    """A clock that a test sets."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ingest_pace, "time", clock)
    return clock


def _is_ingested(pace: IngestPace) -> bool:
    """Whether it is time to ingest; then it is done."""
    is_due = pace.is_due()
    if is_due:
        pace.done()
    return is_due


def _has_news(pace: IngestPace) -> bool:
    """Whether anything has changed, once it is time; then it is ingested."""
    assert pace.is_due()
    has_news = pace.has_news
    pace.done()
    return has_news


def _add(path: Path, octets: int) -> None:
    with path.open("ab") as file:
        file.write(b"x" * octets)


def test_what_is_new_is_ingested_at_once_and_then_from_time_to_time(
    tmp_path: Path, clock: Clock
) -> None:
    log = tmp_path / "queries.jsonl"
    _add(log, 10)
    pace = IngestPace(log, 2**30)
    assert _is_ingested(pace)
    _add(log, 10)
    assert not _is_ingested(pace)
    clock.now += MAX_SECONDS
    assert _is_ingested(pace)
    assert not _is_ingested(pace)


@pytest.mark.parametrize(("keep", "octets"), [(2**40, MAX_OCTETS), (8_000, 1_000)])
def test_many_new_lines_are_ingested_sooner_the_smaller_the_log_is(
    tmp_path: Path, clock: Clock, keep: int, octets: int
) -> None:
    log = tmp_path / "queries.jsonl"
    _add(log, 10)
    pace = IngestPace(log, keep)
    assert _is_ingested(pace)
    _add(log, octets - 1)
    assert not _is_ingested(pace)
    _add(log, 1)
    assert _is_ingested(pace)
    assert not _is_ingested(pace)


def test_a_log_that_is_new_rotated_truncated_or_gone_is_looked_at_soon(
    tmp_path: Path, clock: Clock
) -> None:
    log = tmp_path / "queries.jsonl"
    pace = IngestPace(log, 2**30)
    assert _is_ingested(pace)
    assert not _is_ingested(pace)
    _add(log, 10)
    assert _is_ingested(pace)
    log.rename(tmp_path / "queries.1.jsonl")
    _add(log, 10)
    assert _is_ingested(pace)
    log.write_bytes(b"")
    assert _is_ingested(pace)
    log.unlink()
    assert _is_ingested(pace)
    assert not _is_ingested(pace)


def test_what_failed_is_tried_again_soon(tmp_path: Path, clock: Clock) -> None:
    pace = IngestPace(tmp_path / "queries.jsonl", 2**30)
    assert pace.is_due()
    assert pace.is_due()
    pace.done()
    assert not pace.is_due()
    pace.failed()
    assert pace.has_news
    assert pace.is_due()


def test_what_has_not_changed_is_no_news_and_every_change_is(tmp_path: Path, clock: Clock) -> None:
    log, counts = tmp_path / "queries.jsonl", tmp_path / "counts.jsonl"
    pace = IngestPace(log, 2**30)
    assert _is_ingested(pace)
    for change in (
        lambda: _add(log, 1),
        lambda: _add(counts, 1),
        lambda: log.rename(tmp_path / "queries.1.jsonl"),
        lambda: _add(log, 2),
        counts.unlink,
    ):
        clock.now += MAX_SECONDS
        assert not _has_news(pace)
        change()
        clock.now += MAX_SECONDS
        assert _has_news(pace)
