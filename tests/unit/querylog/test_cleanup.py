"""Files left by a process that was killed during a removal do not harm the next one."""

import shutil
from pathlib import Path

import pytest

from keyhole.querylog.history import Criteria, History, Retention
from tests.world.history import FOREVER, Place, line, names

DAY = 86_400
_NOW = 1_790_000_000
YEAR = 365 * DAY
SHORT = Retention(1.5 * DAY, 2**40, YEAR)


def _fill(folder: Path) -> Place:
    place = Place(folder)
    for day in (3, 2, 1):
        place.write(line((_NOW - day * DAY) * 1_000_000, name=f"d{day}.example"))
        place.open().ingest()
    return place


@pytest.mark.parametrize("then", [Retention(0.5 * DAY, 2**40, DAY), SHORT], ids=["end", "room"])
def test_killed_while_files_are_removed_it_answers_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: Retention
) -> None:
    """Rows are removed, or rollups as well; a kill is tried after every step."""
    monkeypatch.setattr("time.time", lambda: float(_NOW))
    place = _fill(tmp_path / "first")
    if then is not SHORT:
        place.open(SHORT).maintain()
    history = place.open(then)
    states: list[Path] = []
    unlink = Path.unlink

    def unlinked(self: Path, missing_ok: bool = False) -> None:
        unlink(self, missing_ok)
        states.append(tmp_path / f"state{len(states)}")
        shutil.copytree(place.spool, states[-1])

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlinked)
        history.maintain()
    assert len(states) > 6
    expected = history.totals(0, _NOW * 1_000_000), names(history)
    for folder in states:
        again = History(folder / "history", folder, then)
        assert names(again, Criteria(contains="d1")) in (["d1.example"], []), folder
        assert again.tops("name", 0, _NOW * 1_000_000, most=9), folder
        again.maintain()
        assert (again.totals(0, _NOW * 1_000_000), names(again)) == expected, folder
        again.close()
    place.close()


def test_halves_of_segments_and_scratch_are_gone(tmp_path: Path) -> None:
    place = _fill(tmp_path)
    history = place.open()
    whole = sorted(one for one in place.root.rglob("*") if one.is_file())
    first = history.segments[0]
    for left in (
        first.folder / "1-2-3-joined.tops.parquet",
        first.folder / ".joined.rows.new",
        place.root / "past" / "1-2-3-joined.names.parquet",
        place.root / "past" / "1-2-3-joined.tops.new",
        place.root / ".scratch" / "duckdb_temp_storage_S32K-0.tmp",
        place.root / ".scratch" / "export-1.csv",
    ):
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b"half")
    again = History(place.root, place.spool, FOREVER)
    assert sorted(one for one in place.root.rglob("*") if one.is_file()) == whole
    assert names(again) == ["d1.example", "d2.example", "d3.example"]
    again.close()
    place.close()
