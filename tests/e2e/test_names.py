"""Names that are made to do harm come out of every sink as data, and many of them cost no memory.

``KEYHOLE_NAMES`` says how many random names are asked for, if not the million that was promised.
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from statistics import median

import dns.message
import dns.name
import dns.query
import duckdb
import pytest

from tests.world.certificates import Authority
from tests.world.flood import flood, resident
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream

NAMES = int(os.environ.get("KEYHOLE_NAMES", "1000000"))
MIB = 2**20
BELOW = "evil.example.org"
LABELS = [
    b"<script>alert(1)</script>",
    b"<img src=x onerror=alert(1)>",
    b"\"double\" and 'single'",
    b"\x1b[31mred\x1b[0m\x1b]0;title\x07",
    b"cr\r\nlf: injected",
    b"nul\x00nul",
    "\u202eright to left\u2066".encode(),
    b"\xff\xfe\x80 no utf-8",
    b"=1+1",
    b"+1",
    b"-1",
    b"@SUM(1)",
    b"\t=tab",
    b"|pipe",
    b"comma,semicolon;colon:",
    b"back\\slash",
    b"inner.dot",
    b"%s%n${jndi:ldap://x}{{7*7}}",
    b"'; DROP TABLE rows; --",
    b"x" * 63,
]
FORMULA = re.compile(r"^[=+\-@\t\r]")


def _name(label: bytes, below: str = BELOW) -> dns.name.Name:
    return dns.name.Name([label, *dns.name.from_text(below).labels])


def _longest() -> dns.name.Name:
    """255 octets in all (RFC 1035 section 2.3.4), in labels of the most hostile kind."""
    rest = dns.name.from_text(BELOW)
    room = 255 - len(rest.to_wire() or b"")
    labels = []
    while room > 1:
        size = min(63, room - 1)
        labels.append((b"=\x1b\x00\xff" * 16)[:size])
        room -= size + 1
    return dns.name.Name([*labels, *rest.labels])


ASKED = [*(_name(label) for label in LABELS), _longest()]
WANTED = {name.canonicalize() for name in ASKED}


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """One resolver that was asked for all of them, and has them in its history."""
    resolver = Resolver(tmp_path_factory.mktemp("names") / "data", authority)
    rules = [{"block": [f"*.{BELOW}"]}]
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("Policy", "home", default="allow", upstreams=["test"], rules=rules),
    )
    resolver.start()
    try:
        for name in ASKED:
            query = dns.message.make_query(name, "A")
            answer = dns.query.tcp(query, "127.0.0.1", 30, resolver.server.tcp)
            assert answer.question == query.question
        resolver.wait_for(lambda: len(_found(resolver)) == len(ASKED), "all are found")
        yield resolver
    finally:
        resolver.stop()


def _found(resolver: Resolver) -> list[str]:
    params = {"below": BELOW, "limit": "1000"}
    return [one["name"] for one in resolver.api("GET", "/queries", params=params).json()["items"]]


def _are_all(shown: list[str]) -> None:
    """Each name reads back as the octets that were asked for, and is plain text."""
    assert all(name.isascii() and name.isprintable() for name in shown), shown
    assert {dns.name.from_text(name) for name in shown} == WANTED
    assert len(shown) == len(WANTED)


def test_the_api_gives_them_back_as_they_were_asked(running: Resolver) -> None:
    _are_all(_found(running))


def test_each_is_found_by_what_was_shown_and_nothing_else_is(running: Resolver) -> None:
    for name in _found(running):
        params = {"name": name}
        items = running.api("GET", "/queries", params=params).json()["items"]
        assert [one["name"] for one in items] == [name]


def test_the_file_of_the_log_is_one_line_each(running: Resolver) -> None:
    octets = (running.folder / "log" / "queries.jsonl").read_bytes()
    assert not set(octets) & (set(range(32)) - {10}), "no control character but the end of a line"
    rows = [json.loads(line) for line in octets.splitlines()]
    _are_all([row["name"] for row in rows if (row["name"] or "").endswith(BELOW)])


def _is_harmless(text: str) -> bool:
    return all(letter.isprintable() or letter == "\n" for letter in text)


def test_commands_show_them_without_a_control_character(running: Resolver) -> None:
    last = running.command("log", "--lines", "100", "--name", BELOW)
    searched = running.command("log", "--since", "1h", "--lines", "100", "--name", BELOW)
    counted = running.command("stats", "--top", "100")
    # Statistics name each one twice: as asked, and as blocked.
    for done, times in ((last, 1), (searched, 1), (counted, 2)):
        assert done.returncode == 0, done.stderr
        assert _is_harmless(done.stdout), done.stdout
        shown = [row for row in done.stdout.splitlines() if BELOW in row]
        assert len(shown) == times * len(ASKED)
    for options in ((), ("--since", "1h")):
        done = running.command("log", "--json", "--lines", "100", "--name", BELOW, *options)
        _are_all([json.loads(row)["name"] for row in done.stdout.splitlines()])


def test_a_spreadsheet_finds_no_formula_and_every_row(running: Resolver) -> None:
    text = _export(running, "csv").decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert not [cell for row in rows for cell in row.values() if FORMULA.match(cell or "")]
    _are_all([row["name"].removeprefix("'") for row in rows])


def test_json_lines_and_parquet_hold_every_row(running: Resolver) -> None:
    _are_all([json.loads(row)["name"] for row in _export(running, "jsonl").splitlines()])
    file = running.folder / "names.parquet"
    file.write_bytes(_export(running, "parquet"))
    with duckdb.connect() as database:
        found = database.execute(f"SELECT name FROM read_parquet('{file}')").fetchall()
    _are_all([name for (name,) in found])


def _export(resolver: Resolver, form: str) -> bytes:
    params = {"below": BELOW, "format": form}
    answer = resolver.api("GET", "/queries/export", params=params)
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def test_statistics_count_each_once(running: Resolver) -> None:
    params = {"most": "1000", "withheld": "true"}
    items = running.api("GET", "/statistics/top/name", params=params).json()["items"]
    _are_all([one["value"] for one in items if one["value"].endswith(BELOW)])


def test_whoever_follows_hears_them_as_events(running: Resolver) -> None:
    below = "heard.example.org"
    asked = [_name(label, below) for label in LABELS]
    names: list[str] = []
    with (
        running.api_client() as client,
        client.stream("GET", "/queries/live", params={"below": below}) as answer,
    ):
        octets = b""
        is_asked = False
        for piece in answer.iter_bytes():
            octets += piece
            # It says that nothing came, so it listens; from then on it hears everything.
            if b": nothing\n\n" in octets and not is_asked:
                is_asked = True
                for name in asked:
                    running.server.ask(name.to_text(), "A", "tcp")
            events = [event for event in octets.decode().split("\n\n")[:-1] if event[0] != ":"]
            names = [_heard(event) for event in events]
            if len(names) >= len(asked):
                break
    assert not set(octets) & (set(range(32)) - {10}), "no control character but the end of a line"
    assert all(name.isascii() and name.isprintable() for name in names), names
    # Each connection may be served by another thread, so the order is not promised.
    assert {dns.name.from_text(name) for name in names} == {one.canonicalize() for one in asked}
    assert len(names) == len(asked)


def _heard(event: str) -> str:
    """The name in an event, which has two lines, whatever was asked."""
    kind, data = event.split("\n")
    assert kind == "event: query"
    return str(json.loads(data.removeprefix("data: "))["name"])


def test_explain_and_the_answer_name_them_safely(running: Resolver) -> None:
    shown = _found(running)
    for name in (shown[0], shown[-1], next(one for one in shown if "script" in one)):
        done = running.command("explain", name)
        assert _is_harmless(done.stdout + done.stderr), done.stdout


@pytest.mark.timeout(180 + NAMES // 1_000)
@pytest.mark.alone
def test_random_names_leave_memory_flat(resolver: Resolver, upstream: Upstream) -> None:
    """Three parts of the names warm everything up: allocators, the cache of answers, the first
    segments and their joining. What grows after that would grow for ever."""
    rules = [{"block": ["*.flood.example.org"]}]
    resolver.configure(cache={"size": "4MiB"}, log={"keep": "8MiB", "history": "64MiB"})
    resolver.write(
        resolver.upstream(upstream.port),
        document("Policy", "home", default="allow", upstreams=["test"], rules=rules),
    )
    resolver.start()
    resolver.wait_for_api()
    pids = {word: resolver.program.children(word)[0] for word in ("up", "engine", "control")}
    assert sorted(resolver.program.survivors()) == sorted(pids.values()), "these are all"
    sizes: list[dict[str, int]] = []
    answered = 0
    for part in range(8):
        below = "flood.example.org" if part % 2 else "asked.example.org"
        # An upstream made of Python answers the odd thousand; the rest is blocked.
        count = NAMES // 8 if part % 2 else min(NAMES // 8, 1_000)
        answered += flood(resolver.server.udp, count, below, seed=part)
        if part % 2 == 0:
            answered += flood(
                resolver.server.udp, NAMES // 8 - count, "flood.example.org", seed=100 + part
            )
        seen = {"name": "last.flood.example.org"}
        resolver.server.ask(f"last{part}.flood.example.org")
        seen["name"] = f"last{part}.flood.example.org"
        resolver.wait_for(
            lambda: resolver.api("GET", "/queries", params=seen).json()["items"],  # noqa: B023
            "the log has all of them",
        )
        sizes.append({word: resident(pid) for word, pid in pids.items()})
    print(f"resident memory after each part, in octets: {sizes}")
    assert answered > 0.99 * NAMES
    # What is in use at one moment says little: buffers come and go.
    warm, end = (
        {word: median(size[word] for size in some) for word in pids}
        for some in (sizes[1:4], sizes[-3:])
    )
    # The engine holds no name beyond its cache and its ring of events, both of which are full.
    assert end["engine"] - warm["engine"] < 16 * MIB, sizes
    # Who keeps both running sees no query.
    assert end["up"] - warm["up"] < 4 * MIB, sizes
    # Control reads the log in pieces of 16 MiB, and DuckDB keeps buffers for its next question.
    assert end["control"] - warm["control"] < 96 * MIB, sizes
