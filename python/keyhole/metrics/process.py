"""Metrics of the process itself: memory, CPU, start, and what it is."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import InfoMetricFamily

from keyhole import __version__


def process_metrics(process: str) -> Iterator[Metric]:
    """``process`` is ``engine`` or ``control``."""
    registry = CollectorRegistry(auto_describe=False)
    yield from ProcessCollector(registry=registry).collect()
    yield InfoMetricFamily(
        "keyhole_build",
        "What runs here.",
        value={"version": __version__, "process": process},
    )
