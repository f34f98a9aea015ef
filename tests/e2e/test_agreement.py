"""Graph, log, statistics, Prometheus and dnstap have the same numbers for the same time."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.world.ask import TRANSPORTS
from tests.world.dnstap import decode, read_stream
from tests.world.ports import free_port
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream
from tests.world.waiting import until

Counts = Counter[tuple[str, str, str]]
"""Queries by transport, outcome and reason."""
_CLIENT_QUERY = 5


def _scraped(port: int) -> Counts:
    """What Prometheus would read from the engine."""
    page = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text
    found: Counts = Counter()
    for family in read_text(page):
        for one in family.samples:
            if one.name == "keyhole_queries_total":
                key = (one.labels["transport"], one.labels["outcome"], one.labels["reason"])
                found[key] += int(one.value)
    return found


def _is_served(port: int) -> bool:
    """Whether the engine serves its metrics already, which it begins after it answers queries."""
    with suppress(httpx2.ConnectError):
        return _scraped(port).total() > 0
    return False


def _tapped(file: Path, since: datetime, end: datetime) -> int:
    """The queries in the dnstap file that arrived in this time."""
    payloads, _ = read_stream(file.read_bytes())
    messages = [decode(one)["message"] for one in payloads]
    times = [
        one["query_time_sec"] + one["query_time_nsec"] / 1e9
        for one in messages
        if one["type"] == _CLIENT_QUERY
    ]
    return sum(since.timestamp() <= time < end.timestamp() for time in times)


def test_everything_that_counts_queries_counts_the_same(
    make_resolver: Callable[[], Resolver], upstream: Upstream
) -> None:
    resolver, port = make_resolver(), free_port()
    resolver.write(
        resolver.upstream(upstream.port),
        document(
            "Policy",
            "home",
            default="allow",
            upstreams=["test"],
            rules=[{"block": ["blocked.example.org"]}],
        ),
    )
    resolver.configure(
        health={"engine": [f"127.0.0.1:{port}"]}, dnstap={"file": "log/queries.dnstap"}
    )
    resolver.start()
    file = resolver.folder / "log" / "queries.dnstap"
    resolver.wait_for_api()
    resolver.wait_for(lambda: (resolver.server.ask("first.example.org"), file.exists())[1], "a tap")
    resolver.wait_for(lambda: _is_served(port), "metrics are served")
    before, since = _scraped(port), datetime.now(UTC)
    names = ("a.example.org", "b.example.org", "a.example.org", "blocked.example.org")
    for transport in TRANSPORTS:
        for name in names:
            resolver.server.ask(name, "A", transport)
    asked = len(TRANSPORTS) * len(names)
    counted = until(
        lambda: found if (found := _scraped(port) - before).total() == asked else None,
        "the engine has counted all queries",
    )
    end = datetime.now(UTC)
    during = {"since": since.isoformat(), "until": end.isoformat()}

    def logged() -> Counts | None:
        page = resolver.api("GET", "/queries", params={**during, "limit": "1000"}).json()
        found = Counter((one["transport"], one["outcome"], one["reason"]) for one in page["items"])
        return found if found.total() == asked else None

    assert counted == until(logged, "the log has all queries")
    totals = resolver.api("GET", "/statistics", params=during).json()
    traffic = resolver.api("GET", "/graph", params=during).json()["traffic"]
    for place, field in enumerate(("by_transport", "by_outcome", "by_reason")):
        sums: Counter[str] = Counter()
        for key, count in (counted or {}).items():
            sums[key[place]] += count
        assert totals[field] == traffic[field] == dict(sums)
    assert totals["total"] == traffic["queries"] == asked
    until(lambda: _tapped(file, since, end) == asked, "dnstap has all queries")
