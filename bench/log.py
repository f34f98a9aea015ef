"""`./dev bench log`: makes a history of many queries and measures searches and statistics on it."""

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from keyhole.querylog.history import Criteria, EdgeCriteria, History, Retention
from keyhole.querylog.history.connect import connect
from keyhole.querylog.history.ingest import day_folder
from keyhole.querylog.history.schema import ENGINE, LOCAL
from keyhole.querylog.history.schema import NAMES as NAMES_OF_COLUMNS
from keyhole.querylog.history.segment import segments, write_segment

DAYS = 30
NAMES, CLIENTS = 500_000, 2_000
_DAY_US = 86_400_000_000
_WARM_RUNS = 5


@dataclass(frozen=True)
class Figure:
    """Seconds of wall and of CPU; cold is the first time after the files left the cache."""

    what: str
    cold: float
    warm: float
    cpu: float
    found: str
    scan: float | None
    """A plain scan of all rows that finds the same; none where there is no like."""


def main(arguments: list[str]) -> int:
    """Makes the rows, measures and prints."""
    parser = argparse.ArgumentParser(prog="./dev bench log", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000_000, help="how many queries")
    parser.add_argument("--folder", type=Path, help="where to keep them, and to find them again")
    options = parser.parse_args(arguments)
    with _folder(options.folder) as folder:
        root = folder / "history"
        if not segments(root):
            make(root, options.rows)
        history = History(root, folder / "none", Retention(10 * 365 * 86_400, 2**50))
        history.maintain()
        size = history.size
        figures = [_measure(history, root, *one) for one in _questions(history)]
        _show(figures, size.rows, size.octets, len(history.segments))
        history.close()
    return 0


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="keyhole-bench-log-", dir="/var/tmp") as place:
        yield Path(place)


def make(root: Path, rows: int) -> None:
    """Names and clients as they are asked: a few of them nearly always (Zipf, exponent 1)."""
    connection = connect(root)
    connection.execute("SELECT setseed(0.4)")
    connection.execute(
        "CREATE TABLE names AS SELECT id, concat(substr(md5(id::VARCHAR), 1, 3 + id % 7), '.', "
        "CASE id % 5 WHEN 0 THEN 'cdn.' WHEN 1 THEN 'api.' WHEN 2 THEN 'img-' || id % 97 || '.' "
        "ELSE '' END, 'site', id // 12, '.', CASE id % 4 WHEN 0 THEN 'com' WHEN 1 THEN 'net' "
        f"WHEN 2 THEN 'org' ELSE 'example' END) AS name FROM range({NAMES}) t(id)"
    )
    begin = (int(time.time()) // 86_400 - DAYS) * _DAY_US
    for day in range(DAYS):
        count = rows // DAYS
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE day AS {_day(begin + day * _DAY_US, count)}"
        )
        write_segment(connection, "day", root / day_folder(begin + day * _DAY_US), f"made{day}")
        print(f"\r{(day + 1) * count:,} rows made", end="", flush=True)
    print()
    connection.close()


def _day(begin: int, count: int) -> str:
    made = {
        "time": f"{begin} + (i * {_DAY_US / count})::BIGINT",
        "transport": "CASE WHEN c % 3 = 0 THEN 'dot' WHEN c % 3 = 1 THEN 'udp' ELSE 'doh' END",
        "client": "concat('10.', c // 256, '.', c % 256, '.7')",
        "identity": "CASE WHEN c % 3 = 0 THEN "
        "concat('spiffe://keyhole.lab/ns/n', c % 40, '/sa/', c) END",
        "token": "NULL::VARCHAR",
        "policy": "concat('policy', c % 20)",
        "name": "name",
        "type": "CASE WHEN i % 3 = 0 THEN 'AAAA' WHEN i % 17 = 0 THEN 'HTTPS' ELSE 'A' END",
        "outcome": "CASE WHEN n % 6 = 0 THEN 'blocked' WHEN i % 997 = 0 THEN 'failed' "
        "ELSE 'answered' END",
        "reason": "CASE WHEN n % 6 = 0 THEN 'blocked_by_list' WHEN i % 997 = 0 THEN "
        "'upstream_failed' WHEN i % 3 = 0 THEN 'cached' ELSE 'forwarded' END",
        "rule": "NULL::VARCHAR",
        "list": "CASE WHEN n % 6 = 0 THEN concat('list', n % 9) END",
        "file": "NULL::VARCHAR",
        "line": "NULL::BIGINT",
        "target": "NULL::VARCHAR",
        "allow": "NULL::VARCHAR",
        "answer": "CASE WHEN n % 6 = 0 THEN 'nxdomain' END",
        "tls": "CASE WHEN c % 3 != 1 THEN '1.3' END",
        "upstream_tls": "CASE WHEN n % 6 > 0 AND i % 3 > 0 THEN '1.3' END",
        "observed": "NULL::VARCHAR",
        "upstream": "CASE WHEN n % 6 > 0 THEN concat('upstream', n % 3) END",
        "duration_us": "CASE WHEN i % 3 = 0 THEN 0 ELSE (3000 + random() * 60000)::BIGINT END",
        "snapshot": "7::BIGINT",
        "count": "NULL::BIGINT",
        ENGINE: f"'{LOCAL}'",
    }
    assert tuple(made) == NAMES_OF_COLUMNS
    columns = ", ".join(f'{words} AS "{name}"' for name, words in made.items())
    drawn = (
        f"SELECT i, floor(exp(random() * ln({NAMES})))::BIGINT - 1 AS n, "
        f"floor(exp(random() * ln({CLIENTS})))::BIGINT - 1 AS c FROM range({count}) t(i)"
    )
    return f"SELECT {columns} FROM ({drawn}) JOIN names ON id = n"


Question = tuple[str, Callable[[], Any], Criteria | None]


def _questions(history: History) -> list[Question]:
    first, last = history.segments[0].begin, history.segments[-1].end + 1
    middle = (first + last) // 2
    searches = {
        "the newest": Criteria(),
        "a frequent name": Criteria(name=_name(history, 3)),
        "a rare name": Criteria(name=_name(history, 400_003)),
        "a name that never was": Criteria(name="never.asked.example"),
        "a part of names": Criteria(contains="site40000"),
        "a part that never was": Criteria(contains="zzqqzz"),
        "below a rare domain": Criteria(below="site33333.com"),
        "an expression": Criteria(expression="^[a-f]{3}\\.api\\.site1234[0-9]\\."),
        "an expression that finds nothing": Criteria(expression="^x+y+z+$"),
        "a frequent client": Criteria(client="10.0.1.7"),
        "a rare client": Criteria(client="10.7.200.7"),
        "a rare client, blocked": Criteria(client="10.7.200.7", outcome="blocked"),
        "blocked only": Criteria(outcome="blocked"),
        "failed only": Criteria(outcome="failed"),
        "one list": Criteria(list="list3"),
        "slower than 62.9 ms": Criteria(slower_than_us=62_900),
        "one hour, a month ago": Criteria(
            since=first + _DAY_US, until=first + _DAY_US + _DAY_US // 24
        ),
        "a client in the first half": Criteria(until=middle, client="10.3.4.7"),
    }
    found: list[Question] = [
        (what, lambda wanted=wanted: history.search(wanted, limit=100), wanted)  # type: ignore[misc]
        for what, wanted in searches.items()
    ]
    for what, ask in {
        "totals of all": lambda: history.totals(first, last),
        "totals of 12 days, cut": lambda: history.totals(first + _DAY_US * 3 // 2, middle),
        "a series of all": lambda: history.series(first, last, 200),
        "top names of all": lambda: history.tops("name", first, last, most=10),
        "top blocked of all": lambda: history.tops("name", first, last, most=10, is_withheld=True),
        "top clients of all": lambda: history.tops("client", first, last, most=10),
        "top names of 24 h": lambda: history.tops("name", last - _DAY_US, last, most=10),
        "the graph of 1 h": lambda: history.edges(EdgeCriteria(last - _DAY_US // 24, last)),
        "the graph of 24 h": lambda: history.edges(EdgeCriteria(last - _DAY_US, last)),
        "the graph of all": lambda: history.edges(EdgeCriteria(first, last)),
    }.items():
        found.append((what, ask, None))
    return found


def _name(history: History, rank: int) -> str:
    first, last = history.segments[0].begin, history.segments[-1].end + 1
    del first
    tops = history.tops("name", last - _DAY_US, last, most=1000)
    return tops[rank].value if rank < len(tops) else tops[-1].value


def _measure(
    history: History, root: Path, what: str, ask: Callable[[], Any], wanted: Criteria | None
) -> Figure:
    _forget(root)
    cold, answer, _ = _timed(ask)
    warm, cpu = [], []
    for _ in range(_WARM_RUNS):
        seconds, _, used = _timed(ask)
        warm.append(seconds)
        cpu.append(used)
    scan = _scan(root, wanted) if wanted is not None else None
    return Figure(what, cold, statistics.median(warm), statistics.median(cpu), _found(answer), scan)


def _timed(ask: Callable[[], Any]) -> tuple[float, Any, float]:
    before = resource.getrusage(resource.RUSAGE_SELF)
    begin = time.perf_counter()
    answer = ask()
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, answer, used


def _scan(root: Path, wanted: Criteria) -> float:
    """What DuckDB takes by itself on the same files, without looking beside them."""
    connection = duckdb.connect(config={"threads": 2})
    condition = wanted.condition
    begin = time.perf_counter()
    connection.execute(
        f"SELECT * FROM read_parquet('{root}/*/*.rows.parquet') WHERE {condition.sql} "
        'ORDER BY "time" DESC LIMIT 100',
        condition.values,
    ).fetchall()
    seconds = time.perf_counter() - begin
    connection.close()
    return seconds


def _forget(root: Path) -> None:
    """Has the system drop what it holds of the files in memory."""
    for file in root.glob("*/*.parquet"):
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _found(answer: Any) -> str:
    rows = getattr(answer, "rows", None)
    if rows is not None:
        return f"{len(rows)} rows" + ("" if answer.searched_to is None else ", not all searched")
    return f"{answer.total:,} queries" if hasattr(answer, "total") else f"{len(answer)} values"


def _show(figures: list[Figure], rows: int, octets: int, count: int) -> None:
    table = Table(
        title=f"{rows:,} queries in {count} segments, {octets / 2**30:.2f} GiB; milliseconds",
        caption="warm and CPU: median of five; plain scan: DuckDB on the same files",
    )
    for column in ("what", "cold", "warm", "CPU", "plain scan", "scan / warm", "found"):
        table.add_column(column, justify="left" if column in ("what", "found") else "right")
    for one in figures:
        scan = "" if one.scan is None else f"{one.scan * 1000:.0f}"
        ratio = "" if one.scan is None else f"{one.scan / one.warm:.1f}"
        table.add_row(
            one.what,
            *(f"{seconds * 1000:.0f}" for seconds in (one.cold, one.warm, one.cpu)),
            scan,
            ratio,
            one.found,
        )
    console = Console(width=120)
    console.print(table)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slowest = max(one.cold for one in figures) * 1000
    console.print(f"Slowest cold: {slowest:.0f} ms; memory at most {memory:.0f} MiB")
