"""The statistics of one engine (``keyhole.engine.runtime.Runtime.stats``) as metrics."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from keyhole.metrics.histogram import add_histogram
from keyhole.metrics.upstream import upstream_metrics
from keyhole.model.engine_stats import (
    ConnectionStats,
    Durations,
    EngineStats,
    QueryLogStats,
)

Reasons = Mapping[str, tuple[str, str]]
"""Outcome and stage of each reason, from the core's catalogue."""


def read_reasons(catalogue: Mapping[str, Any]) -> Reasons:
    """The reasons of a catalogue of the core."""
    return {one["word"]: (one["outcome"], one["stage"]) for one in catalogue["reasons"]}


def engine_metrics(stats: EngineStats, reasons: Reasons) -> Iterator[Metric]:
    """All metrics of an engine; counters start at zero with its process."""
    yield from _queries(stats, reasons)
    yield from _durations(stats["durations"])
    yield from _totals(stats)
    yield from _state(stats)
    yield from _connections(stats["connections"])
    yield from upstream_metrics(stats["upstreams"])
    yield from _query_log(stats.get("log"))


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


def _durations(durations: Durations) -> Iterator[Metric]:
    for name, text, histogram in (
        (
            "keyhole_query_answered_here_seconds",
            "Time of queries that were answered without asking an upstream.",
            durations["answered_here"],
        ),
        (
            "keyhole_query_wait_seconds",
            "Time of queries that waited for an upstream.",
            durations["waited"],
        ),
    ):
        family = HistogramMetricFamily(name, text)
        add_histogram(family, [], histogram)
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
