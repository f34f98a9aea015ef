"""Metrics as text: OpenMetrics where the scraper accepts it, else the older format."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder


class Rendered(NamedTuple):
    """A page of metrics, and its media type."""

    octets: bytes
    media_type: str


class _Fixed:
    """A collector of metrics that were made already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def render(metrics: Iterable[Metric], accept: str) -> Rendered:
    """The page in the best format that ``accept`` (the header of the request) names."""
    encode, media_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fixed(metrics))
    return Rendered(encode(registry), media_type)
