"""Who asks whom as the series of an extension of Kiali."""

from collections.abc import Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily

EXTENSION = "keyhole"
"""The name of the extension in the configuration of Kiali."""
_LABELS = (
    "source_namespace",
    "source_name",
    "dest_namespace",
    "dest_name",
    "secure",
    "status_code",
    "flags",
)
_FIXED = ("extension", "protocol", "source_is_root", "source_cluster", "dest_cluster")
Labels = tuple[str, str, str, str, bool, str, str]
"""Namespace and name of both ends, whether the queries were protected, status and reason."""


def kiali_metrics(counts: Iterable[tuple[Labels, int]], cluster: str) -> Iterator[Metric]:
    """The series as Kiali reads them (``graph/telemetry/istio/appender/extensions.go``).

    Of its protocols, only ``http`` and ``grpc`` have requests. A root would be drawn only where
    Istio knows a workload of that name, so that no source is one.
    """
    family = CounterMetricFamily(
        "kiali_ext_requests",
        "DNS queries by who asked whom, for an extension of Kiali.",
        labels=[*_FIXED, *_LABELS],
    )
    fixed = [EXTENSION, "http", "false", cluster, cluster]
    for series, queries in counts:
        labels = [str(one).lower() if isinstance(one, bool) else one for one in series]
        family.add_metric([*fixed, *labels], queries)
    yield family
