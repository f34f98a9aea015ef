"""Histograms of the core as metrics."""

from collections.abc import Sequence

from prometheus_client.core import HistogramMetricFamily

from keyhole.model.engine_stats import DurationHistogram


def add_histogram(
    family: HistogramMetricFamily, labels: Sequence[str], histogram: DurationHistogram
) -> None:
    """Adds one histogram, whose buckets count alone, with buckets that count all below, too."""
    buckets, total = [], 0
    for edge, count in histogram["buckets"]:
        total += count
        buckets.append(("+Inf" if edge is None else repr(edge), total))
    family.add_metric(labels, buckets, histogram["sum"])
