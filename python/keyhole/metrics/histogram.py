"""Histograms of the core as metrics."""

import math
from collections.abc import Sequence
from typing import Protocol

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.samples import Exemplar

from keyhole.model.engine_stats import DurationHistogram


class ExemplarSource(Protocol):
    """Traces of queries, for the histograms that they were counted in."""

    def of(self, which: str) -> Sequence[Exemplar]:
        """Those of ``answered_here`` and ``waited``."""

    def of_upstream(self, name: str) -> Sequence[Exemplar]:
        """Those of the round trips to an upstream."""


def add_histogram(
    family: HistogramMetricFamily,
    labels: Sequence[str],
    histogram: DurationHistogram,
    exemplars: Sequence[Exemplar] = (),
) -> None:
    """Adds one histogram, whose buckets count alone, with buckets that count all below, too. Of
    the ``exemplars`` each bucket gets the newest one that lies in it."""
    buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    total, below = 0, -1.0
    for edge, count in histogram["buckets"]:
        total += count
        top = math.inf if edge is None else edge
        inside = [one for one in exemplars if below < one.value <= top]
        newest = max(inside, key=lambda one: one.timestamp or 0, default=None)
        le = "+Inf" if edge is None else repr(edge)
        buckets.append((le, total, newest) if newest else (le, total))
        below = top
    family.add_metric(labels, buckets, histogram["sum"])
