"""A real Jaeger gets the traces of a lab, and gives them back by its query API."""

from collections.abc import Iterator
from typing import Any

import pytest

from keyhole.engine import catalogue
from tests.world.jaeger import Jaeger, needs_jaeger
from tests.world.lab import Lab
from tests.world.waiting import until

pytestmark = needs_jaeger
STAGES = [one["word"] for one in catalogue()["stages"]]
SERVICES = {"keyhole-resolver", "keyhole-forwarder"}


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    """A Jaeger that a lab sends its traces to."""
    folder = tmp_path_factory.mktemp("jaeger")
    with Jaeger(folder / "jaeger.log") as one:
        lab = Lab(folder / "lab", "--traces", one.url)
        try:
            lab.server.ask("traced.example.net", transport="doh")
            yield one
        finally:
            lab.program.stop()


def _tags(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: one["value"] for one in span["tags"]}


def _parent(span: dict[str, Any]) -> str | None:
    kinds = {one["refType"]: one["spanID"] for one in span["references"]}
    return kinds.get("CHILD_OF")


def test_one_trace_has_both_hops_and_ten_stages_of_each(jaeger: Jaeger) -> None:
    tags = '{"dns.question.name":"traced.example.net"}'

    def look() -> list[dict[str, Any]] | None:
        found = jaeger.get("traces", service="keyhole-resolver", tags=tags) or []
        services = {
            process["serviceName"] for one in found for process in one["processes"].values()
        }
        spans = [span for one in found for span in one["spans"]]
        stages = sum(span["operationName"] in STAGES for span in spans)
        # It stores the spans of a trace one after the other.
        is_whole = services == SERVICES and stages == len(SERVICES) * len(STAGES)
        return found if is_whole else None

    (trace,) = until(look, "Jaeger has both hops")
    # What it says of a trace by its id is the same.
    (again,) = jaeger.get(f"traces/{trace['traceID']}")
    assert {one["spanID"] for one in again["spans"]} == {one["spanID"] for one in trace["spans"]}
    spans = {one["spanID"]: one for one in trace["spans"]}
    queries = {}
    for span in spans.values():
        if _tags(span)["span.kind"] == "server":
            service = trace["processes"][span["processID"]]["serviceName"]
            queries[service] = span
    assert set(queries) == SERVICES
    for span in queries.values():
        assert span["operationName"] == "DNS A"
        below = [one for one in spans.values() if _parent(one) == span["spanID"]]
        below.sort(key=lambda one: STAGES.index(one["operationName"]))
        assert [one["operationName"] for one in below] == STAGES
    exchange = spans[_parent(queries["keyhole-forwarder"]) or ""]
    assert _tags(exchange)["keyhole.upstream"] in ("forwarder-dot", "forwarder-doh")
    fetch = spans[_parent(exchange) or ""]
    assert fetch["operationName"] == "fetch"
    assert _parent(fetch) == queries["keyhole-resolver"]["spanID"]


def test_refused_and_blocked_queries_of_the_workloads_are_there_too(jaeger: Jaeger) -> None:
    def reasons() -> set[str]:
        found = jaeger.get("traces", service="keyhole-resolver", limit=1000) or []
        spans = [span for one in found for span in one["spans"]]
        return {str(_tags(span).get("keyhole.outcome")) for span in spans}

    until(lambda: {"answered", "blocked"} <= reasons(), "the traces show what became of queries")
