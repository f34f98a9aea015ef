"""What became of a query can be searched, counted and exported while Keyhole runs."""

import csv
import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keyhole.system.unix_socket import short_path
from tests.world.certificates import Authority
from tests.world.flood import flood
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream
from tests.world.waiting import PATIENCE


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """One resolver for this module; each test asks for names of its own."""
    resolver = Resolver(tmp_path_factory.mktemp("searched") / "data", authority)
    (resolver.documents / "ads.txt").write_text("# why\n0.0.0.0 ads.example.com\n")
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("List", "ads", files=["ads.txt"]),
        document(
            "Policy",
            "home",
            default="allow",
            upstreams=["test"],
            lists=["ads"],
            rules=[{"block": ["*.filling.example.com"]}],
        ),
    )
    yield resolver.start()
    resolver.stop()


def _found(resolver: Resolver, **params: str) -> list[dict[str, Any]]:
    answer = resolver.api("GET", "/queries", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_query_is_found_with_what_decided(running: Resolver) -> None:
    running.server.ask("ads.example.com", "A", "dot")
    running.wait_for(lambda: _found(running, name="ads.example.com"), "the query is found")
    (one,) = _found(running, name="ads.example.com")
    assert (one["outcome"], one["reason"], one["list"]) == ("blocked", "blocked_by_list", "ads")
    assert (one["transport"], one["client"], one["policy"]) == ("dot", "127.0.0.1", "home")
    shown = running.command("log", "--since", "1h", "--outcome", "blocked", "--why")
    assert "ads.example.com A" in shown.stdout
    assert f"in {running.documents / 'ads.txt'}:2" in shown.stdout


def test_searches_by_command_agree_with_each_other(running: Resolver) -> None:
    for name in ("one.search.example.org", "two.search.example.org", "search.example.net"):
        running.server.ask(name)
    running.wait_for(lambda: len(_found(running, contains="search.example")) == 3, "all are found")
    by = {
        ("--contains", "search.example"): 3,
        ("--expression", "^(one|two)\\.search"): 2,
        ("--name", "search.example.org", "--since", "1h"): 2,
        ("--contains", "search.example", "--client", "127.*"): 3,
        ("--contains", "search.example", "--client", "192.0.2.*"): 0,
        ("--contains", "search.example", "--outcome", "blocked"): 0,
        ("--contains", "search.example", "--until", "1h"): 0,
    }
    for words, count in by.items():
        done = running.command("log", *words, "--json")
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == count, words


def test_queries_are_found_and_counted_by_how_they_were_protected(running: Resolver) -> None:
    for transport in ("udp", "udp", "dot"):
        running.server.ask("lock.example.org", "A", transport)
    span = {"name": "lock.example.org"}
    running.wait_for(lambda: len(_found(running, **span)) == 3, "all are found")
    found = _found(running, **span)
    assert {(one["transport"], one["lock_in"]["closed"]) for one in found} == {
        ("udp", False),
        ("dot", False),
    }
    for wanted, count in (("open", 3), ("unencrypted", 2), ("encrypted_only", 1), ("protected", 0)):
        assert len(_found(running, **span, protection=wanted)) == count, wanted
    assert len(_found(running, **span, proof="network")) == 3
    top = running.api("GET", "/queries/top/protection", params=span).json()["items"]
    assert {one["value"]: one["total"] for one in top} == {"neither": 2, "encrypted_only": 1}
    bars = running.api("GET", "/queries/histogram", params={**span, "protection": "open"}).json()
    assert bars["total"] == 3
    assert running.api("GET", "/queries", params={"protection": "closed"}).status_code == 422
    done = running.command("log", "--name", span["name"], "--protection", "unencrypted", "--json")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_pages_follow_each_other_without_a_gap(running: Resolver) -> None:
    names = [f"n{number}.pages.example.org" for number in range(7)]
    for name in names:
        running.server.ask(name)
    span = {"below": "pages.example.org"}
    running.wait_for(lambda: len(_found(running, **span)) == len(names), "all are found")
    seen: list[str] = []
    params = {**span, "limit": "3"}
    while True:
        page = running.api("GET", "/queries", params=params).json()
        seen += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == names[::-1]


def test_statistics_are_the_same_numbers_as_the_log(running: Resolver) -> None:
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    running.server.ask("counted.example.org")
    running.wait_for(lambda: _found(running, name="counted.example.org"), "it is found")
    until = datetime.now(UTC).isoformat()
    rows = _found(running, since=since, until=until, limit="1000")
    span = {"since": since, "until": until}
    totals = running.api("GET", "/statistics", params=span).json()
    assert totals["total"] == len(rows) > 0
    blocked = sum(row["outcome"] == "blocked" for row in rows)
    assert totals["by_outcome"].get("blocked", 0) == blocked
    top = running.api("GET", "/statistics/top/name", params={**span, "most": "1000"}).json()
    named = [row["name"] for row in rows if row["name"] is not None]
    assert {one["value"]: one["total"] for one in top["items"]} == {
        name: named.count(name) for name in named
    }
    series = running.api("GET", "/statistics/series", params=span).json()["items"]
    assert sum(sum(point["by_outcome"].values()) for point in series) == len(rows)
    shown = running.command("stats", "--since", "1h")
    assert "counted.example.org" in shown.stdout


def test_an_export_opens_in_a_spreadsheet_without_a_formula(running: Resolver) -> None:
    running.server.ask("=1+1.export.example.org")
    running.wait_for(lambda: _found(running, below="export.example.org"), "it is found")
    answer = running.api(
        "GET", "/queries/export", params={"below": "export.example.org", "format": "csv"}
    )
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["name"] == "'=1+1.export.example.org"
    file = running.folder / "out.jsonl"
    done = running.command("log", "--name", "export.example.org", "--export", str(file))
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_text())["name"] == "=1+1.export.example.org"
    scratch = running.folder / "log" / "history" / ".scratch"
    running.wait_for(lambda: not list(scratch.glob("export-*")), "nothing is left behind")


def test_hits_of_a_list_are_counted(running: Resolver) -> None:
    def hits() -> int:
        found = running.api("GET", "/lists/ads").json()["hits"]
        assert isinstance(found, int)
        return found

    before = hits()
    running.server.ask("ads.example.com")
    running.wait_for(lambda: hits() == before + 1, "it is counted")
    shown = running.command("lists", "status").stdout
    assert "hits in 24 h" in shown


def test_no_more_than_a_few_exports_are_made_at_once(running: Resolver) -> None:
    scratch = running.folder / "log" / "history" / ".scratch"
    running.wait_for_api()
    with short_path(running.folder / "run" / "api.sock") as path, ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2)]
        for one in sockets:
            # Too small a buffer for the answer, and nobody reads it.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(path)
        running.wait_for(lambda: _is_large(running), "the history is worth an export")
        for one in sockets:
            one.sendall(
                b"GET /api/v1/queries/export?format=csv HTTP/1.1\r\nhost: localhost\r\n\r\n"
            )
        running.wait_for(lambda: len(list(scratch.glob("export-*"))) == 2, "both are made")
        refused = running.api("GET", "/queries/export", params={"format": "csv"})
        assert refused.status_code == 503
        assert "2 exports are made already" in refused.json()["detail"]
    # Both callers have left.
    running.wait_for(lambda: not list(scratch.glob("export-*")), "nothing is left behind")
    done = running.api("GET", "/queries/export", params={"format": "csv"})
    assert done.status_code == 200


def _is_large(running: Resolver) -> bool:
    flood(running.server.udp, 10_000, "filling.example.com", seed=1)
    answer = running.api("GET", "/statistics").json()
    return bool(answer["rows_kept"] > 10_000)


def test_queries_are_followed_as_they_come(running: Resolver) -> None:
    heard: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        with (
            running.api_client() as client,
            client.stream("GET", "/queries/live") as answer,
        ):
            for text in answer.iter_lines():
                listening.set()
                if text.startswith("data: ") and "followed.example.org" in text:
                    heard.append(text)
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(PATIENCE)

    def asked() -> bool:
        # Again and again: it says that it listens a moment before it does.
        running.server.ask("followed.example.org")
        return bool(heard)

    running.wait_for(asked, "it is heard")
    thread.join(PATIENCE)
    assert json.loads(heard[0].removeprefix("data: "))["name"] == "followed.example.org"


@pytest.mark.parametrize(
    ("params", "status", "why"),
    [
        ({"expression": "("}, 400, "the expression is invalid"),
        ({"cursor": "AAAA"}, 400, "begin without one"),
        ({"cursor": "WzEsMiwzXQ"}, 400, "begin without one"),
        ({"limit": "1001"}, 422, "limit"),
        ({"since": "yesterday"}, 422, "since"),
        ({"name": "x" * 1017}, 422, "name"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_with_the_reason(
    running: Resolver, params: dict[str, str], status: int, why: str
) -> None:
    answer = running.api("GET", "/queries", params=params)
    assert answer.status_code == status, answer.text
    assert why in answer.json()["detail"]


def test_what_was_logged_before_a_kill_is_found_after_it(resolver: Resolver) -> None:
    resolver.start()
    for number in range(20):
        resolver.server.ask(f"k{number}.example.org")
    asked = {"expression": "^k[0-9]+[.]example[.]org$"}
    resolver.wait_for(lambda: len(_found(resolver, **asked)) == 20, "all are found")
    resolver.kill()
    resolver.start()
    resolver.server.ask("after.example.org")
    resolver.wait_for(lambda: _found(resolver, name="after.example.org"), "the new one is found")
    names = [row["name"] for row in _found(resolver, **asked)]
    assert sorted(map(str, names)) == sorted(f"k{number}.example.org" for number in range(20))


def test_without_a_history_the_api_says_what_to_set(resolver: Resolver) -> None:
    resolver.configure(log={"history": 0})
    (resolver.documents / "ads.txt").write_text("0.0.0.0 ads.example.com\n")
    resolver.write(document("List", "ads", files=["ads.txt"]))
    resolver.start()
    answer = resolver.api("GET", "/queries")
    assert answer.status_code == 503
    assert "log.history" in answer.json()["detail"]
    assert resolver.api("GET", "/lists/ads").json()["hits"] is None, "not none: nobody counted"


@pytest.mark.parametrize(
    ("path", "word", "why"),
    [
        ("/queries?outcome=block", "outcome", "block is not valid here; did you mean blocked?"),
        (
            "/queries?outcome=x",
            "outcome",
            "x is not valid here; valid are answered, blocked, refused, failed, dropped",
        ),
        ("/queries?reason=chached", "reason", "chached is not valid here; did you mean cached?"),
        ("/queries?transport=https", "transport", "https is not valid here; valid are udp, tcp"),
        ("/queries?type=AAA", "type", "AAA is not valid here; did you mean AAAA?"),
        ("/queries?proof=token2", "proof", "token2 is not valid here; did you mean token?"),
        ("/queries?address=192.0.2", "address", "192.0.2 is not an address; give one such as"),
        ("/graph?verdict=block", "verdict", "block is not valid here; did you mean blocked?"),
        ("/graph?transport=DoH", "transport", "DoH is not valid here; did you mean doh?"),
    ],
)
def test_a_search_by_a_word_that_there_is_not_is_an_error_that_names_the_right_one(
    running: Resolver, path: str, word: str, why: str
) -> None:
    """E7: nothing found would look as if there were no such queries."""
    answer = running.api("GET", path)
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["problems"]
    assert problem["place"] == f"query.{word}"
    assert problem["why"].startswith(why)


@pytest.mark.parametrize("word", ["AAAA", "aaaa", "TYPE65280", "HTTPS"])
def test_record_types_are_found_by_name_and_by_number(running: Resolver, word: str) -> None:
    assert _found(running, type=word, name="nobody.asked.example") == []


def test_a_command_names_the_option_that_was_typed_and_says_that_nothing_was_found(
    running: Resolver,
) -> None:
    done = running.command("log", "--outcome", "block")
    why = "error: --outcome: block is not valid here; did you mean blocked?"
    assert (done.returncode, done.stdout, " ".join(done.stderr.split())) == (1, "", why)
    done = running.command("log", "nobody.asked.example", "--limit", "3", "--since", "1h")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no query matches\n")
