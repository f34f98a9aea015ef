"""Counts who asks whom for Kiali while Keyhole runs."""

import asyncio
from collections.abc import Iterable

import duckdb
from prometheus_client import Metric

from keyhole.config.sections.kiali import KialiSection
from keyhole.control.graph import GraphService
from keyhole.control.query_history import QueryHistory
from keyhole.graph.kiali import KialiCounts
from keyhole.metrics.kiali import kiali_metrics

COUNT_SECONDS = 5.0
"""Rows come into the history about as often."""


class KialiFeed:
    """The series of this Keyhole. Run :meth:`run` as a task; it never ends by itself."""

    def __init__(self, section: KialiSection, graph: GraphService, queries: QueryHistory) -> None:
        self._cluster = section.cluster
        self._graph = graph
        self._queries = queries
        self._counts = KialiCounts(section.namespace)

    def metrics(self) -> Iterable[Metric]:
        """The series as they are now."""
        return kiali_metrics(self._counts.counts.items(), self._cluster)

    async def run(self) -> None:
        """Counts queries as they come into the history, until it is cancelled."""
        while True:
            try:
                history = await asyncio.to_thread(self._queries.history)
            except (OSError, duckdb.Error):
                # It is a part that failed, and is tried again.
                await asyncio.sleep(COUNT_SECONDS)
                continue
            history.fresh_edges.watch()
            if rows := history.fresh_edges.take():
                source = await self._graph.source()
                await asyncio.to_thread(self._counts.add, rows, source)
            await asyncio.sleep(COUNT_SECONDS)
