"""What each upstream was asked, what came of it, and how long it took."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from keyhole.metrics.histogram import ExemplarSource, add_histogram
from keyhole.model.engine_stats import UpstreamStats

_Table = tuple[tuple[str, str, Callable[[UpstreamStats], float]], ...]

_COUNTERS: _Table = (
    ("queries", "Queries that were sent to the upstream.", lambda one: one["asked"]),
    ("answers", "Answers of the upstream, refusals among them.", lambda one: one["answered"]),
    ("refusals", "Answers with the code REFUSED.", lambda one: one["refused"]),
    ("handshakes", "TLS handshakes with the upstream.", lambda one: one["handshakes"]),
    ("flawed_messages", "Messages that answer nothing.", lambda one: one["flawed_messages"]),
)
_GAUGES: _Table = (
    ("healthy", "1 while the upstream is asked first.", lambda one: one["healthy"]),
    ("connections", "Open connections to it.", lambda one: one["connections"]),
    ("rtt_seconds", "Moving average of its round trip.", lambda one: one["rtt"]),
)


def upstream_metrics(
    upstreams: Sequence[UpstreamStats], exemplars: ExemplarSource | None = None
) -> Iterator[Metric]:
    """All metrics of the upstreams in use; the label is the name of the document."""
    for table, family in ((_COUNTERS, CounterMetricFamily), (_GAUGES, GaugeMetricFamily)):
        for word, text, read in table:
            metric = family(f"keyhole_upstream_{word}", text, labels=["upstream"])
            for one in upstreams:
                metric.add_metric([one["name"]], float(read(one)))
            yield metric
    failures = CounterMetricFamily(
        "keyhole_upstream_failures",
        "Attempts at the upstream that failed, by reason.",
        labels=["upstream", "reason"],
    )
    round_trips = HistogramMetricFamily(
        "keyhole_upstream_round_trip_seconds",
        "Time from a query that was sent to its answer.",
        labels=["upstream"],
    )
    for one in upstreams:
        for reason, count in one["failed"].items():
            failures.add_metric([one["name"], reason], count)
        traces = exemplars.of_upstream(one["name"]) if exemplars else ()
        add_histogram(round_trips, [one["name"]], one["round_trips"], traces)
    yield from (failures, round_trips)
