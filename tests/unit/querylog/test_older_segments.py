"""Segments of an older version lack columns; they are searched, exported and joined as well."""

import csv
from pathlib import Path

import duckdb
import pytest

from keyhole.querylog.history import Criteria
from keyhole.querylog.history import compact as compacting
from keyhole.querylog.history.schema import OPTIONAL
from keyhole.querylog.history.segment import segments
from tests.world.history import Place, line, names

_NOW = 1_795_600_000_000_000


def _make_older(root: Path) -> None:
    """Removes the columns that an older version does not know from all rows."""
    for one in segments(root):
        rows = str(one.path("rows"))
        left_out = ", ".join(f'"{name}"' for name in OPTIONAL)
        kept = f"SELECT * EXCLUDE ({left_out}) FROM read_parquet('{rows}')"
        duckdb.sql(f"COPY ({kept}) TO '{rows}.new' (FORMAT parquet)")
        Path(f"{rows}.new").replace(rows)


@pytest.mark.parametrize("newer", [0, 1])
def test_rows_without_the_newer_columns_are_found_exported_and_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newer: int
) -> None:
    place = Place(tmp_path)
    history = place.open()
    for moment in (0, 1):
        place.write(line(_NOW + moment, name=f"old{moment}.example.org"))
        history.ingest()
    _make_older(place.root)
    expected = ["old1.example.org", "old0.example.org"]
    if newer:
        told = {"list": "ads", "file": "ads.txt", "line": 7, "target": "t.example", "allow": "new"}
        place.write(line(_NOW + 2, name="new", outcome="blocked", **told))
        history.ingest()
        expected = ["new", *expected]
        (row,) = history.search(Criteria(name="new")).rows
        assert {key: row.fields[key] for key in told} == told
    assert names(history) == expected
    with history.export(Criteria(), "csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == expected
    assert [row["line"] for row in rows] == ["7", "", ""][1 - newer :]
    monkeypatch.setattr(compacting, "MAX_SMALL", 0)
    history.maintain()
    assert len(segments(place.root)) == 1
    assert names(history) == expected
    place.close()
