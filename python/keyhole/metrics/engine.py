"""The statistics of one engine (``keyhole.engine.runtime.Runtime.stats``) as metrics."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

Stats = Mapping[str, Any]
Reasons = Mapping[str, tuple[str, str]]
"""Outcome and stage of each reason, from the core's catalogue."""
_MICRO = 1e-6


def read_reasons(catalogue: Mapping[str, Any]) -> Reasons:
    """The reasons of a catalogue of the core."""
    return {one["word"]: (one["outcome"], one["stage"]) for one in catalogue["reasons"]}


def engine_metrics(stats: Stats, reasons: Reasons) -> Iterator[Metric]:
    """All metrics of an engine; counters start at zero with its process."""
    yield from _queries(stats, reasons)
    yield _duration(stats)
    yield from _totals(stats)
    yield from _state(stats)
    yield from _connections(stats["connections"])
    yield from _upstreams(stats["upstreams"])
    yield from _query_log(stats.get("log"))


def _queries(stats: Stats, reasons: Reasons) -> Iterator[Metric]:
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


def _duration(stats: Stats) -> Metric:
    duration = HistogramMetricFamily(
        "keyhole_query_wait_seconds",
        "Time that queries waited for an upstream; 0 for those that were answered here.",
    )
    buckets, total = [], 0
    for edge, count in stats["latency_us"]:
        total += count
        buckets.append(("+Inf" if edge is None else repr(edge * _MICRO), total))
    duration.add_metric([], buckets, stats["totals"]["waited_us"] * _MICRO)
    return duration


def _totals(stats: Stats) -> Iterator[Metric]:
    """Each counter of the core's table; a new row there needs nothing here."""
    for word, count in stats["totals"].items():
        if word == "waited_us":
            continue  # the sum of the histogram
        yield CounterMetricFamily(
            f"keyhole_{word}", f"The counter {word} of the reference page.", value=count
        )


def _state(stats: Stats) -> Iterator[Metric]:
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


def _connections(connections: Stats) -> Iterator[Metric]:
    handshakes = connections["handshakes"]
    ended = CounterMetricFamily(
        "keyhole_tls_handshakes",
        "TLS handshakes of clients that ended, by how; reason says why a certificate was refused.",
        labels=["outcome", "reason"],
    )
    for outcome in ("with_certificate", "without_certificate"):
        ended.add_metric([outcome, ""], handshakes[outcome])
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


def _upstreams(upstreams: Sequence[Stats]) -> Iterator[Metric]:
    for name, key, text in (
        ("keyhole_upstream_queries", "asked", "Queries that were sent to the upstream."),
        ("keyhole_upstream_answers", "answered", "Answers of the upstream, refusals among them."),
        ("keyhole_upstream_refusals", "refused", "Answers with the code REFUSED."),
        ("keyhole_upstream_handshakes", "handshakes", "TLS handshakes with the upstream."),
        ("keyhole_upstream_flawed_messages", "flawed_messages", "Messages that answer nothing."),
    ):
        counter = CounterMetricFamily(name, text, labels=["upstream"])
        for one in upstreams:
            counter.add_metric([one["name"]], one[key])
        yield counter
    failures = CounterMetricFamily(
        "keyhole_upstream_failures",
        "Attempts at the upstream that failed, by reason.",
        labels=["upstream", "reason"],
    )
    for one in upstreams:
        for reason, count in one["failed"].items():
            failures.add_metric([one["name"], reason], count)
    yield failures
    for name, key, text, factor in (
        ("keyhole_upstream_healthy", "healthy", "1 while the upstream is asked first.", 1.0),
        ("keyhole_upstream_connections", "connections", "Open connections to it.", 1.0),
        ("keyhole_upstream_rtt_seconds", "rtt_ms", "Moving average of its round trip.", 1e-3),
    ):
        gauge = GaugeMetricFamily(name, text, labels=["upstream"])
        for one in upstreams:
            gauge.add_metric([one["name"]], float(one[key]) * factor)
        yield gauge


def _query_log(log: Stats | None) -> Iterator[Metric]:
    if log is None:
        return
    events = CounterMetricFamily(
        "keyhole_query_log_events",
        "Events of the query log that were written, and that were lost.",
        labels=["outcome"],
    )
    for outcome in ("written", "lost"):
        events.add_metric([outcome], log[outcome])
    yield events
