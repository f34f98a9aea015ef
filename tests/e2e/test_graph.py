"""The graph of a running Keyhole: by API, as it was and as it changes."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from keyhole.control.graph import MAX_LISTENERS
from keyhole.system.unix_socket import short_path
from tests.world.certificates import Authority
from tests.world.lab import Lab
from tests.world.no_tls import NO_TLS
from tests.world.process import call_keyhole, run_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream
from tests.world.waiting import until

Graph = dict[str, Any]


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """One resolver for this module; each test asks for names of its own."""
    resolver = Resolver(tmp_path_factory.mktemp("drawn") / "data", authority)
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document(
            "Policy",
            "home",
            default="allow",
            upstreams=["test"],
            rules=[{"block": ["/^x\\.blocked\\./"]}],
        ),
    )
    yield resolver.start()
    resolver.stop()


def _ask_all_ways(resolver: Resolver, name: str) -> dict[str, str]:
    """Asks and waits until the log has it; the span as parameters of the API."""
    since = datetime.now(UTC)
    for transport in ("udp", "tcp", "dot", "doh"):
        resolver.server.ask(f"{transport}.{name}", "A", transport)
    resolver.server.ask(f"x.blocked.{name}")

    def logged() -> bool:
        found = resolver.api("GET", "/queries", params={"below": name, "limit": "10"}).json()
        return len(found["items"]) == 5

    resolver.wait_for(logged, "all queries are found")
    return {"since": since.isoformat(), "until": datetime.now(UTC).isoformat()}


def _edges(graph: Graph) -> dict[str, Any]:
    labels = {one["id"]: one["label"] for one in graph["nodes"]}
    return {
        f"{labels[one['source']]} {one['kind']} {labels[one['target']]}": one
        for one in graph["edges"]
    }


def test_graph_log_and_statistics_agree_over_the_same_span(running: Resolver) -> None:
    during = _ask_all_ways(running, "same.example.org")
    graph = running.api("GET", "/graph", params=during).json()
    totals = running.api("GET", "/statistics", params=during).json()
    rows = running.api("GET", "/queries", params={**during, "limit": "1000"}).json()["items"]
    traffic = graph["traffic"]
    assert totals["total"] >= 5
    for field in ("by_outcome", "by_reason", "by_transport", "waited"):
        assert traffic[field] == totals[field]
    asks = sum(one["traffic"]["queries"] for one in graph["edges"] if one["kind"] == "asks")
    assert asks == traffic["queries"] == totals["total"]
    assert asks == len(rows) + totals["lost"] + totals["unlogged"]
    edge = _edges(graph)["127.0.0.1 asks resolver"]
    assert not edge["lock"]["closed"]
    assert {one["reason"] for one in edge["lock"]["reasons"]} == {"cleartext", "network_only"}
    assert _edges(graph)["resolver forwards test"]["lock"] == {
        "closed": True,
        "state": "closed",
        "reasons": [],
    }


def test_criteria_and_step_are_followed(running: Resolver) -> None:
    during = _ask_all_ways(running, "some.example.org")
    found = running.api("GET", "/graph", params={**during, "transport": "dot", "step": "1"}).json()
    edge = _edges(found)["127.0.0.1 asks resolver"]
    assert set(edge["traffic"]["by_transport"]) == {"dot"}
    series = sum(one["edges"].get(edge["id"], {}).get("queries", 0) for one in found["intervals"])
    assert series == edge["traffic"]["queries"]
    blocked = running.api("GET", "/graph", params={**during, "verdict": "blocked"}).json()
    assert set(blocked["traffic"]["by_outcome"]) == {"blocked"}
    nobody = running.api("GET", "/graph", params={**during, "namespace": "shop"}).json()
    assert (nobody["nodes"], nobody["traffic"]["queries"]) == ([], 0)


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"since": "2026-01-02", "until": "2026-01-01"}, "since must be before until"),
        ({"since": "2026-01-01", "until": "2026-01-02", "step": "1"}, "give at least 432"),
        ({"step": "0"}, "step"),
        ({"window": "60", "since": "2026-01-01"}, "window is instead of since"),
        ({"since": "yesterday"}, "since"),
        ({"policy": "x" * 64}, "policy"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(
    running: Resolver, params: dict[str, str], why: str
) -> None:
    answer = running.api("GET", "/graph", params=params)
    assert answer.status_code == 422
    assert why in answer.text


def test_the_live_graph_tells_what_changed(running: Resolver) -> None:
    events = []
    with (
        running.api_client() as client,
        client.stream("GET", "/graph/live?pause=1&window=600") as answer,
    ):
        for text in answer.iter_lines():
            if text.startswith("event: "):
                events.append(text.removeprefix("event: "))
            if not text.startswith("data: "):
                continue
            found = json.loads(text.removeprefix("data: "))
            queries = found["traffic"]["queries"]
            if events == ["graph"]:
                before = queries
                running.server.ask("changed.example.org", "A", "doh")
            elif queries > before:
                break
    assert set(events[1:]) == {"change"}
    assert "engine:local" in {one["id"] for one in found["nodes"]}


def test_nobody_takes_all_the_places_of_those_who_are_told_of_changes(running: Resolver) -> None:
    path = "/graph/live?window=5&pause=1"
    with running.api_client() as client, ExitStack() as opened:
        heard: list[Iterator[str]] = []

        def listen() -> httpx2.Response | None:
            # Whoever listened in an earlier test may have left a moment ago.
            answer = client.send(client.build_request("GET", path), stream=True)
            if answer.status_code == 200:
                opened.callback(answer.close)
                return answer
            # At once: a client has a hundred connections, and each one that stays open takes one.
            answer.close()
            return None

        for _ in range(MAX_LISTENERS // 2):
            answer = until(listen, "a place is free")
            # Kept: a connection is closed as soon as nobody reads its lines any more.
            heard.append(answer.iter_lines())
            assert any(line.startswith("event: ") for line in heard[-1])
        with client.stream("GET", path) as refused:
            assert refused.status_code == 503
            assert "times already" in refused.read().decode()


def _lab_graph(lab: Lab) -> Graph:
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    with short_path(Path(lab.ready["data"]) / "resolver" / "run" / "api.sock") as path:
        transport = httpx2.HTTPTransport(uds=path, verify=NO_TLS)
        with httpx2.Client(transport=transport, base_url="http://localhost/api/v1") as client:
            found = client.get("/graph", params={"since": since}, timeout=30)
    assert found.status_code == 200, found.text
    graph: Graph = found.json()
    return graph


CLOSED = {
    "shop/web asks resolver": "certificate",
    "shop/payments asks resolver": "certificate",
    "build/ci asks resolver": "certificate",
    "tools/netshoot asks resolver": "certificate",
    "anonymous (tv) asks resolver": "token",
    "resolver forwards forwarder": "certificate",
    "resolver asks forwarder": "certificate",
    "forwarder forwards internet": "certificate",
}


def test_the_lab_shows_each_workload_with_its_lock(shared_lab: Lab) -> None:
    needed = {*CLOSED, "127.0.0.1 asks resolver", "shop/web (claimed) asks resolver"}

    def complete() -> Graph | None:
        graph = _lab_graph(shared_lab)
        return graph if needed <= _edges(graph).keys() else None

    edges = _edges(until(complete, "everybody has asked") or {})
    for name, how in CLOSED.items():
        assert edges[name]["lock"] == {"closed": True, "state": "closed", "reasons": []}, name
        assert set(edges[name]["how"]) == {how}
        assert edges[name]["traffic"]["encrypted_share"] == 1.0
        assert edges[name]["traffic"]["authenticated_share"] == 1.0
    # The printer has no certificate: the resolver knows nothing but its network.
    printer = edges["127.0.0.1 asks resolver"]
    assert not printer["lock"]["closed"]
    assert {"cleartext", "network_only"} <= {one["reason"] for one in printer["lock"]["reasons"]}
    expired = edges["shop/web (claimed) asks resolver"]
    assert [one["reason"] for one in expired["lock"]["reasons"]] == ["expired"]


def test_the_command_shows_the_lab_in_each_format(shared_lab: Lab) -> None:
    data = str(Path(shared_lab.ready["data"]) / "resolver")

    def graph(*words: str) -> str:
        done = run_keyhole("graph", *words, "--data", data)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def complete() -> bool:
        # Without a process for each look.
        done = call_keyhole("graph", "--json", "--data", data)
        assert done.returncode == 0, done.stderr
        return CLOSED.keys() <= _edges(json.loads(done.stdout)).keys()

    until(complete, "everybody has asked")
    table = [line.split() for line in graph().splitlines()]
    assert max(map(len, graph().splitlines())) <= 80
    for start, end in (("shop/web", "resolver"), ("forwarder", "internet")):
        assert any(line[:3] == ["closed", start, end] for line in table)
    assert any(line[:3] == ["open", "127.0.0.1", "resolver"] for line in table)
    assert '"engine:forwarder" -> "upstream:internet"' in graph("--format", "dot")
    assert graph("--format", "mermaid").startswith("flowchart LR\n")
    shop = json.loads(graph("--format", "json", "--namespace", "shop", "--step", "60"))
    names = {one["name"] for one in shop["nodes"] if one["kind"] == "workload"}
    assert names == {f"spiffe://keyhole.lab/ns/shop/sa/{one}" for one in ("web", "payments")}
    assert shop["intervals"]


def test_the_command_names_what_is_wrong(running: Resolver) -> None:
    done = running.command("graph", "--step", "60")
    assert done.returncode == 2
    assert "add --json" in done.stderr
    done = running.command("graph", "--since", "1h", "--until", "2h")
    assert done.returncode == 1
    assert "since must be before until" in done.stderr
