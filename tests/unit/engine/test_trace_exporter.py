"""The thread that sends traces, with a core and a receiver of the test."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from keyhole.engine.launch import TraceExport
from keyhole.engine.trace_exporter import TraceExporter
from tests.world.otlp import OtlpReceiver
from tests.world.waiting import until

STAGES = ("receive", "parse", "admit", "identify", "authorize", "screen", "fetch", "vet")


def _record(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "trace": f"{number:032x}",
        "span": f"{number:016x}",
        "parent": None,
        "why": "sampled",
        "began": 1_000,
        "ended": 9_000,
        "seconds": 0.000008,
        "waited": False,
        "transport": "udp",
        "client": "192.0.2.1",
        "identity": None,
        "policy": "home",
        "name": "www.example.org",
        "type": "A",
        "outcome": "answered",
        "reason": "cached",
        "stage": "fetch",
        "snapshot": 1,
        "stages": [[stage, 1_000 + at, 1_001 + at] for at, stage in enumerate(STAGES)],
        "exchanges": [],
        **changes,
    }


class Core:
    """Gives what was put in, a number at a time."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.asked: list[int] = []

    def take(self, most: int) -> bytes:
        self.asked.append(most)
        taken, self.records = self.records[:most], self.records[most:]
        return b"".join(json.dumps(one).encode() + b"\n" for one in taken)


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as one:
        yield one


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others set for OpenTelemetry, as it may be on any machine."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=stolen")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "not a number")


def _exporter(core: Core, receiver: OtlpReceiver, rate: int = 8) -> TraceExporter:
    export = TraceExport(f"{receiver.url}/v1/traces", rate, "test", {})
    return TraceExporter(core.take, export, lambda _: None)


def test_many_traces_are_taken_before_the_queue_of_the_core_is_full(
    receiver: OtlpReceiver,
) -> None:
    core = Core()
    core.records = [_record(1)]
    exporter = _exporter(core, receiver, rate=512)
    exporter.start()
    until(lambda: core.asked, "it takes traces")
    exporter.end()
    assert core.asked[0] == 128, "256 are kept, and it comes four times in a second"


def test_the_environment_changes_nothing_of_what_is_sent_and_where(receiver: OtlpReceiver) -> None:
    core = Core()
    core.records = [_record(1)]
    exporter = _exporter(core, receiver)
    exporter.start()
    (query,) = until(receiver.queries, "it is sent")
    exporter.end()
    assert query.attributes["dns.question.name"] == "www.example.org"
    assert (query.began, query.ended) == (1_000, 9_000)
    assert "authorization" not in receiver.headers[0]
    assert not [name for name in os.environ if name.startswith("OTEL_")]


def test_a_tick_takes_its_share_of_the_rate_and_the_end_takes_all(receiver: OtlpReceiver) -> None:
    core = Core()
    core.records = [_record(number) for number in range(1, 101)]
    exporter = _exporter(core, receiver)
    exporter.start()
    until(lambda: exporter.counts()["exported"], "the first ones are sent")
    exporter.end()
    assert core.asked[0] == 8
    # A slow machine may need longer than the end of an engine waits.
    until(lambda: exporter.counts()["exported"] == 100, "all are sent")
    assert len(receiver.queries()) == 100
    # One exemplar for each power of two.
    assert [one.value for one in exporter.exemplars.of("answered_here")] == [0.000008]
