"""A busy engine writes alike queries as one line, and everything that counts still agrees."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.message

from tests.world import raw
from tests.world.dnstap import decode, read_stream
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.waiting import until

_NAME, _OTHER = "busy.ads.example.org", "first.ads.example.org"
_AT_ONCE = 4_000
_CLIENT_QUERY = 5


def test_log_statistics_graph_dry_run_and_dnstap_agree_on_the_traffic_of_a_busy_engine(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver = make_resolver()
    rules = [{"block": ["*.ads.example.org"]}]
    resolver.write(document("Policy", "home", default="allow", upstreams=["test"], rules=rules))
    resolver.configure(dnstap={"file": "log/queries.dnstap"})
    resolver.start()
    file = resolver.folder / "log" / "queries.dnstap"

    def is_tapped() -> bool:
        resolver.server.ask(_OTHER)
        return _tapped(file, _OTHER) > 0

    until(is_tapped, "dnstap follows the log")
    asked = 0

    def sums_up() -> bool:
        nonlocal asked
        asked += _ask(resolver)
        return any(row["count"] > 1 for row in _rows(resolver))

    until(sums_up, "it sums up alike queries")
    until(lambda: sum(row["count"] for row in _rows(resolver)) == asked, "all are in the log")
    rows, others = _rows(resolver), sum(row["count"] for row in _rows(resolver, _OTHER))
    assert len(rows) < asked
    assert {row["reason"] for row in rows} == {"blocked_by_rule"}
    top = resolver.api("GET", "/queries/top/name", params={"name": _NAME}).json()
    assert [one["total"] for one in top["items"]] == [asked]
    statistics = resolver.api("GET", "/statistics").json()
    assert statistics["by_outcome"]["blocked"] == asked + others
    assert statistics["lost"] == 0
    graph = resolver.api("GET", "/graph").json()
    assert graph["traffic"]["by_outcome"]["blocked"] == asked + others
    without = document("Policy", "home", default="allow", upstreams=["test"])
    draft = resolver.folder / "draft.yaml"
    draft.write_text(json.dumps(without))
    ran = call_keyhole("simulate", str(draft), "--json", "--data", str(resolver.folder))
    assert f'"{_NAME}"' in ran.stdout, ran.stdout + ran.stderr
    (change,) = [one for one in json.loads(ran.stdout)["changes"] if one["name"] == _NAME]
    assert change["count"] == asked, ran.stdout
    until(lambda: _tapped(file, _NAME) == asked, "dnstap has a message for each")


def _ask(resolver: Resolver) -> int:
    query = dns.message.make_query(_NAME, "A").to_wire()
    with raw.tcp(resolver.server) as stream:
        for _ in range(_AT_ONCE // 50):
            stream.send(*[query] * 50)
            for _ in range(50):
                assert stream.receive()
    return _AT_ONCE


def _rows(resolver: Resolver, name: str = _NAME) -> list[dict[str, Any]]:
    """The rows of the log about a name."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        given = {"name": name, "limit": "1000", **cursor}
        page = resolver.api("GET", "/queries", params=given).json()
        rows += page["items"]
        if not page["next"]:
            return rows
        cursor = {"cursor": page["next"]}


def _tapped(file: Path, name: str) -> int:
    """The queries for a name."""
    if not file.exists():
        return 0
    messages = [decode(one)["message"] for one in read_stream(file.read_bytes())[0]]
    queries = [one["query_message"] for one in messages if one["type"] == _CLIENT_QUERY]
    return sum(str(dns.message.from_wire(one).question[0].name) == f"{name}." for one in queries)
