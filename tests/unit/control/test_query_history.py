"""The history at rest costs nothing, and misses nothing."""

from pathlib import Path
from typing import Any

import pytest

from keyhole.control.ingest_pace import IngestPace
from keyhole.control.parts import Parts
from keyhole.control.query_history import Bounds, QueryHistory
from tests.world.history import Place, line

_NOW = 1_795_600_000_000_000


def test_a_log_that_has_not_changed_is_not_ingested_again_unless_somebody_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    monkeypatch.setattr("keyhole.control.ingest_pace.MAX_SECONDS", 0.0)  # it is always time
    place.write(line(_NOW))
    pace = IngestPace(place.spool / "queries.jsonl", 2**30)
    unused: Any = None
    queries = QueryHistory(
        place.root, place.spool, Bounds(10**9, 2**50, 10**9, None), unused,
        Parts(lambda _: None), unused, pace,
    )  # fmt: skip
    ingested: list[int] = []
    history = queries.history()
    ingest = history.ingest
    monkeypatch.setattr(history, "ingest", lambda: ingested.append(ingest()))

    def works() -> list[int]:
        ingested.clear()
        queries._work(needs_cleanup=False)
        return [*ingested]

    assert works() == [1]
    assert works() == []
    assert history.is_at_rest
    place.write(line(_NOW + 1))
    assert works() == [1]
    assert works() == []
    history.totals(0, 2 * _NOW)  # opens the connection
    assert works() == [0]
    assert history.is_at_rest
    assert works() == []
    queries.close()
