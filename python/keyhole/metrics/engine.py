"""The statistics of one engine (``keyhole.engine.runtime.Runtime.stats``) as metrics."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from keyhole.metrics.histogram import ExemplarSource, add_histogram
from keyhole.metrics.upstream import upstream_metrics
from keyhole.model.engine_stats import (
    ConnectionStats,
    Durations,
    EngineStats,
    QueryLogStats,
    TraceExportStats,
    TraceStats,
)

Reasons = Mapping[str, tuple[str, str]]
"""Outcome and stage of each reason, from the core's catalogue."""


def read_reasons(catalogue: Mapping[str, Any]) -> Reasons:
    """The reasons of a catalogue of the core."""
    return {one["word"]: (one["outcome"], one["stage"]) for one in catalogue["reasons"]}


def engine_metrics(
    stats: EngineStats, reasons: Reasons, exemplars: ExemplarSource | None = None
) -> Iterator[Metric]:
    """All metrics of an engine; counters start at zero with its process. Histograms name the traces
    of ``exemplars`` in the format that can."""
    yield from _queries(stats, reasons)
    yield from _durations(stats["durations"], exemplars)
    yield from _totals(stats)
    yield from _state(stats)
    yield from _connections(stats["connections"])
    yield from upstream_metrics(stats["upstreams"], exemplars)
    yield from _query_log(stats.get("log"))
    yield from _traces(stats.get("traces"), stats.get("trace_export"))


def _queries(stats: EngineStats, reasons: Reasons) -> Iterator[Metric]:
    queries = CounterMetricFamily(
        "keyhole_queries",
        "Queries that ended, by what they ended with.",
        labels=["transport", "outcome", "stage", "reason"],
    )
    for transport, counts in stats["queries"].items():
        for reason, count in counts.items():
            outcome, stage = reasons[reason]
            queries.add_metric([transport, outcome, stage, reason], count)
    yield queries


def _durations(durations: Durations, exemplars: ExemplarSource | None) -> Iterator[Metric]:
    for name, text, which, histogram in (
        (
            "keyhole_query_answered_here_seconds",
            "Time of queries that were answered without asking an upstream.",
            "answered_here",
            durations["answered_here"],
        ),
        (
            "keyhole_query_wait_seconds",
            "Time of queries that waited for an upstream.",
            "waited",
            durations["waited"],
        ),
    ):
        family = HistogramMetricFamily(name, text)
        add_histogram(family, [], histogram, exemplars.of(which) if exemplars else ())
        yield family


def _totals(stats: EngineStats) -> Iterator[Metric]:
    """Each counter of the core's table; a new row there needs nothing here."""
    for word, count in stats["totals"].items():
        yield CounterMetricFamily(
            f"keyhole_{word}", f"The counter {word} of the reference page.", value=count
        )


def _state(stats: EngineStats) -> Iterator[Metric]:
    cache = stats["cache"]
    for name, text, value in (
        ("keyhole_queries_waiting", "Queries that wait for an upstream now.", stats["waiting"]),
        ("keyhole_cache_octets", "Octets that the cache holds.", cache["octets"]),
        ("keyhole_cache_entries", "Answers that the cache holds.", cache["entries"]),
        ("keyhole_uptime_seconds", "Time since the engine started.", stats["uptime_s"]),
        (
            "keyhole_snapshot_number",
            "The snapshot in force; 0 while every query is refused.",
            stats["snapshot"] or 0,
        ),
    ):
        yield GaugeMetricFamily(name, text, value=value)


def _connections(connections: ConnectionStats) -> Iterator[Metric]:
    handshakes = connections["handshakes"]
    ended = CounterMetricFamily(
        "keyhole_tls_handshakes",
        "TLS handshakes of clients that ended, by how; reason says why a certificate was refused.",
        labels=["outcome", "reason"],
    )
    ended.add_metric(["with_certificate", ""], handshakes["with_certificate"])
    ended.add_metric(["without_certificate", ""], handshakes["without_certificate"])
    for reason, count in handshakes["failures"].items():
        ended.add_metric(["failed", reason], count)
    for reason, count in handshakes["refused"].items():
        ended.add_metric(["refused", reason], count)
    yield ended
    mesh = CounterMetricFamily(
        "keyhole_mesh_handshakes", "Connections of sidecars, by how they began.", labels=["outcome"]
    )
    for outcome, count in connections["mesh"].items():
        mesh.add_metric([outcome], count)
    yield mesh
    closed = CounterMetricFamily(
        "keyhole_closed_connections",
        "Connections that were closed at once, by the limit that they were over.",
        labels=["reason"],
    )
    for reason, count in connections["closed"].items():
        closed.add_metric([reason], count)
    yield closed


def _query_log(log: QueryLogStats | None) -> Iterator[Metric]:
    if log is None:
        return
    events = CounterMetricFamily(
        "keyhole_query_log_events",
        "Events of the query log that were written, and that were lost.",
        labels=["outcome"],
    )
    events.add_metric(["written"], log["written"])
    events.add_metric(["lost"], log["lost"])
    yield events


def _traces(recorded: TraceStats | None, sent: TraceExportStats | None) -> Iterator[Metric]:
    if recorded is None or sent is None:
        return
    traces = CounterMetricFamily(
        "keyhole_traces",
        "Traces that the receiver has (exported), that were lost on their way to it, and that were "
        "over the rate or found no room while it took none (limited).",
        labels=["outcome"],
    )
    traces.add_metric(["exported"], sent["exported"])
    traces.add_metric(["lost"], sent["lost"])
    traces.add_metric(["limited"], recorded["limited"])
    yield traces
    yield GaugeMetricFamily(
        "keyhole_trace_receiver_working",
        "1 while the receiver takes traces.",
        value=sent["last_error"] is None,
    )
