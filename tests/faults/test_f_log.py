"""Section F, operations: what the query log and its history count, and what they say is missing."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import httpx2
import pytest

from keyhole.querylog.history import Criteria, History
from keyhole.querylog.history.criteria import SearchError
from tests.world.counting import Counts, ask_each
from tests.world.fleet import Fleet
from tests.world.history import Place, line, names
from tests.world.no_tls import NO_TLS
from tests.world.ports import free_port
from tests.world.resolver import Resolver, document

DAY_US = 86_400_000_000
PRINTER = "printer.example.org"
SMALL = {"keep": "1MiB"}
"""Room for some thousand queries, in two halves."""
MANY = 13_001


def _write_home(resolver: Resolver, **changes: object) -> None:
    resolver.write(
        document("Record", "printer", name=PRINTER, a=["192.0.2.7"]),
        document("Record", "below", name=f"*.{PRINTER}", a=["192.0.2.8"]),
        document("Policy", "home", default="allow", upstreams=["test"], **changes),
    )


@pytest.fixture
def counted(resolver: Resolver) -> Counts:
    """A resolver with a small query log."""
    _write_home(resolver)
    resolver.configure(log=SMALL)
    resolver.start()
    return Counts(resolver)


def test_every_query_is_counted_though_the_log_had_no_room_for_it(
    resolver: Resolver, counted: Counts
) -> None:
    """F4: the engine's log is overwritten several times before control reads it."""
    before = counted.settle(PRINTER)
    ask_each(resolver.server, PRINTER, MANY)
    found = counted.wait(before + MANY)
    assert found["rows"] + found["lost"] == found["total"]
    page = resolver.api("GET", "/statistics").json()
    for parts in ("by_outcome", "by_reason", "by_transport"):
        assert sum(page[parts].values()) == page["total"], parts
    series = resolver.api("GET", "/statistics/series").json()["items"]
    assert sum(sum(point["by_outcome"].values()) for point in series) >= found["total"]
    shown = json.loads(resolver.command("stats", "--json").stdout)
    assert shown["total"] >= found["total"]


def test_what_is_lost_while_control_is_away_is_counted_when_it_is_back(
    resolver: Resolver, counted: Counts
) -> None:
    """F4: across a restart of control, and of the engine with it."""
    before = counted.settle(PRINTER)
    assert (lost := counted.now["lost"]) == 0
    (control,) = resolver.program.children("control")
    os.kill(control, signal.SIGSTOP)
    try:
        ask_each(resolver.server, PRINTER, MANY)
    finally:
        os.kill(control, signal.SIGKILL)
    resolver.wait_for(lambda: resolver.program.children("control") not in ([], [control]), "a new")
    found = counted.wait(before + MANY)
    assert found["lost"] > lost
    resolver.stop()
    resolver.start()
    after = counted.settle(PRINTER)
    ask_each(resolver.server, PRINTER, 100)
    again = counted.wait(after + 100)
    assert again["lost"] == found["lost"], "nothing was lost twice"
    assert again["rows"] + again["lost"] == again["total"]


def test_queries_before_an_engine_was_killed_are_counted_after_it(
    resolver: Resolver, counted: Counts
) -> None:
    """F4: counts go on where the engine before stopped."""
    before = counted.settle(PRINTER)
    ask_each(resolver.server, PRINTER, MANY)
    found = counted.wait(before + MANY)
    resolver.kill()
    resolver.start()
    after = counted.settle(PRINTER)
    assert after > found["local"]
    ask_each(resolver.server, PRINTER, MANY)
    counted.wait(after + MANY)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_queries_that_a_killed_engine_could_not_write_down_are_counted_by_the_next_one(
    resolver: Resolver, counted: Counts
) -> None:
    """F4: its counts are in memory that outlives it."""
    before = counted.settle(PRINTER)
    counts = resolver.folder / "log" / "counts.jsonl"
    for killed in (1, 2):
        kept = counts.with_name("kept")
        (engine,) = resolver.program.children("engine")
        # It writes at any time, and the next one reads as soon as it is there.
        resolver.program.halt(engine)
        counts.rename(kept)
        counts.mkdir()
        resolver.program.go_on(engine)
        ask_each(resolver.server, PRINTER, 500)
        resolver.program.halt(engine)
        counts.rmdir()
        kept.rename(counts)
        os.kill(engine, signal.SIGKILL)
        resolver.wait_for(
            lambda engine=engine: resolver.program.children("engine") not in ([], [engine]),
            "another one",
        )
        resolver.wait_for(lambda: _listens(resolver.server.tcp), "it listens")
        found = counted.wait(before + killed * 500)
        assert found["rows"] + found["lost"] == found["total"]


def test_queries_that_a_policy_keeps_out_of_the_log_are_counted_and_not_called_lost(
    resolver: Resolver,
) -> None:
    """F4: counting names nobody."""
    _write_home(resolver, log="none")
    resolver.configure(log=SMALL)
    resolver.start()
    counts = Counts(resolver)
    before = counts.settle(PRINTER)
    ask_each(resolver.server, PRINTER, 500)
    found = counts.wait(before + 500)
    assert found["unlogged"] == found["total"]
    assert (found["lost"], found["rows"]) == (0, 0)


def test_pihole_dashboards_see_every_query(resolver: Resolver) -> None:
    """F4: the other API counts the same."""
    port = free_port()
    _write_home(resolver)
    resolver.configure(log=SMALL, api={"listen": [f"127.0.0.1:{port}"], "pihole": True})
    resolver.start()
    counts = Counts(resolver)
    before = counts.settle(PRINTER)
    ask_each(resolver.server, PRINTER, MANY)
    total = counts.wait(before + MANY)["total"]
    made = resolver.api("POST", "/tokens", json={"name": "panel", "role": "viewer"}).json()
    with httpx2.Client(
        base_url=f"http://127.0.0.1:{port}/api", timeout=30, verify=NO_TLS
    ) as client:
        login = client.post("/auth", json={"password": made["secret"]}).json()
        headers = {"X-FTL-SID": login["session"]["sid"]}
        summary = client.get("/stats/summary", headers=headers).json()
        history = client.get("/history", headers=headers).json()["history"]
    assert summary["queries"]["total"] >= total
    assert sum(one["total"] for one in history) >= total


def test_the_queries_of_an_engine_elsewhere_are_all_counted(
    make_resolver: Callable[[], Resolver],
) -> None:
    """F4: its log is as small, and its counts travel with it."""
    fleet = Fleet(make_resolver)
    _write_home(fleet.control)
    fleet.start()
    fleet.engine_host.stop()
    fleet.engine_host.configure(
        control={"url": f"https://127.0.0.1:{fleet.port}", "identity": "engine"}, log=SMALL
    )
    fleet.engine_host.start_refusing()
    fleet.settle()
    counts = Counts(fleet.control)
    before = counts.now
    ask_each(fleet.engine_host.server, PRINTER, MANY)
    fleet.control.wait_for(
        lambda: counts.now["local"] >= before["local"] + MANY, "all are counted by control"
    )

    def adds_up() -> bool:
        # Rows and counts come by ways of their own.
        found = counts.now
        return found["rows"] + found["lost"] == found["total"]

    fleet.control.wait_for(adds_up, "each is a row or lost")
    assert counts.now["lost"] > before["lost"]


def _parts_of(folder: Path, part: str) -> list[Path]:
    return sorted(folder.glob(f"day=*/*.{part}.parquet"))


def _tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _flip(path: Path) -> None:
    """Both ends stay whole: what lies between is garbled."""
    octets = bytearray(path.read_bytes())
    octets[4 : len(octets) // 2] = bytes(255 - one for one in octets[4 : len(octets) // 2])
    path.write_bytes(octets)


def _replace(path: Path) -> None:
    """A whole Parquet file, of something else."""
    duckdb.connect().execute(f"COPY (SELECT 1 AS other) TO '{path}' (FORMAT parquet)")


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "torn": _tear,
    "empty": _empty,
    "garbled": _flip,
    "of something else": _replace,
    "gone": Path.unlink,
    "a folder": _make_folder,
}


class Stored:
    """A history of two segments: of yesterday, and of an earlier day."""

    def __init__(self, place: Place) -> None:
        self.place = place
        now = time.time_ns() // 1_000
        for day, words in ((3, ("old", "older")), (1, ("new", "newer", "newest"))):
            place.write(
                *(
                    line(now - day * DAY_US + number, name=f"{name}.example.org")
                    for number, name in enumerate(words)
                )
            )
            place.open().ingest()
        self.since, self.until = now - 10 * DAY_US, now
        self.segment = _parts_of(place.root, "rows")[0]

    def path(self, part: str) -> Path:
        """A file of the older segment."""
        return Path(str(self.segment).replace(".rows.", f".{part}."))


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    place = Place(tmp_path)
    try:
        yield Stored(place)
    finally:
        place.close()


def _ask_all(history: History, stored: Stored) -> set[str]:
    """The names that a search finds; all other questions are answered too."""
    span = stored.since, stored.until
    history.series(*span, 10)
    history.forwarded(*span)
    for dimension in ("name", "client", "type"):
        history.tops(dimension, *span, most=10)
        history.distinct(dimension, *span)
    history.export(Criteria(), "csv").unlink()
    found = names(history, Criteria(expression="^[a-z]+[.]example"))
    return {one.removesuffix(".example.org") for one in found}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("when", ["before the start", "while it runs"])
def test_rows_that_cannot_be_read_are_named_and_counted_and_the_rest_answers(
    stored: Stored, damage: str, when: str
) -> None:
    """F3: whatever the damage, no question fails, and totals stay."""
    history = stored.place.open() if when == "while it runs" else None
    DAMAGES[damage](stored.path("rows"))
    history = history or stored.place.open()
    assert _ask_all(history, stored) == {"new", "newer", "newest"}
    history.maintain()
    if damage == "gone":
        return  # as if it had been deleted on purpose
    assert history.totals(stored.since, stored.until).total == 5
    (gone,) = history.damaged
    assert (gone.segment.rows, gone.is_counted) == (2, True)
    assert "2 queries of 20" in str(gone)
    assert any((stored.place.root / "damaged").iterdir())
    # Also in the next process.
    assert _ask_all(stored.place.open(), stored) == {"new", "newer", "newest"}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("part", ["names", "sums", "tops"])
def test_names_and_counts_that_cannot_be_read_are_made_again(
    stored: Stored, part: str, damage: str
) -> None:
    """F3: nothing is missing, because the rows are there."""
    history = stored.place.open()
    DAMAGES[damage](stored.path(part))
    assert _ask_all(history, stored) == {"old", "older", "new", "newer", "newest"}
    assert history.totals(stored.since, stored.until).total == 5
    assert [top.total for top in history.tops("name", stored.since, stored.until, most=9)] == [
        1
    ] * 5
    assert history.damaged == []


@pytest.mark.parametrize(
    "file", ["progress.json", "counts.db", "joining.json", "lexicon/x.parquet"]
)
def test_what_the_history_notes_for_itself_may_be_damaged(stored: Stored, file: str) -> None:
    """F3: no query is stored twice, and none is asked for in vain."""
    path = stored.place.root / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"[\0garbage" * 200)
    path.with_suffix(".json").write_text("[]" if file.startswith("lexicon") else "{")
    history = stored.place.open()
    stored.place.write(line(stored.until - 5, name="last.example.org"))
    assert _ask_all(history, stored) == {"old", "older", "new", "newer", "newest", "last"}
    assert history.totals(stored.since, stored.until).total == 6
    assert history.size.rows == 6


def test_an_invalid_expression_is_still_called_invalid(stored: Stored) -> None:
    """F3: and nothing else is."""
    with pytest.raises(SearchError, match="the expression is invalid"):
        stored.place.open().search(Criteria(expression="(("))


def test_status_and_log_name_what_a_damaged_segment_has_lost(
    resolver: Resolver, counted: Counts
) -> None:
    """F3: a running Keyhole says it in `keyhole status` and on its terminal."""
    counted.settle(PRINTER)
    history = resolver.folder / "log" / "history"
    resolver.wait_for(lambda: _parts_of(history, "rows"), "there is a segment")
    before = counted.now["total"]
    resolver.stop()
    for rows in _parts_of(history, "rows"):
        _flip(rows)
    resolver.start()
    resolver.command("log", "--expression", "printer")

    def says() -> bool:
        said = resolver.command("status").stdout
        return all(word in said for word in ("history: failed", "set aside", "queries of 20"))

    resolver.wait_for(says, "status names what is missing")
    resolver.wait_for(lambda: "set aside" in resolver.program.output, "its terminal says so")
    assert counted.now["total"] >= before
    found = resolver.command("log", "--expression", "printer")
    assert found.returncode == 0, found.stderr
    assert "invalid" not in found.stdout + found.stderr
