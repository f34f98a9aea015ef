"""The use case behind the list of what is in the clear."""

import asyncio
from collections import defaultdict

from keyhole.control.clients.listing import moment
from keyhole.control.control_plane import ControlPlane
from keyhole.control.engine_state import LOCAL
from keyhole.control.graph import graph_source
from keyhole.control.in_the_clear.counting import count_clear
from keyhole.control.in_the_clear.model import ClearItem, ClearReport
from keyhole.control.in_the_clear.queries import client_items, listener_items, upstream_items
from keyhole.control.in_the_clear.settings import (
    api_items,
    database_items,
    list_items,
    metrics_items,
)
from keyhole.control.list_refresh import ListRefresher
from keyhole.control.list_refresh.report import statuses
from keyhole.control.query_history import QueryHistory
from keyhole.graph.source import Source
from keyhole.querylog.history import EdgeCriteria
from keyhole.store import Database


class ClearService:
    """Lists what is in the clear at one Keyhole."""

    def __init__(
        self,
        control_plane: ControlPlane,
        queries: QueryHistory,
        lists: ListRefresher,
        database: Database | None,
    ) -> None:
        self._control_plane = control_plane
        self._queries = queries
        self._lists = lists
        self._database = database

    async def report(self, wanted: EdgeCriteria) -> ClearReport:
        """All of it, with the queries of a time span. Raises ``OSError`` and ``duckdb.Error``."""
        # The state of engines, lists and settings belongs to the event loop.
        source, _ = graph_source(LOCAL, self._control_plane, self._queries)
        fixed, addresses = self._settings(), self._addresses()
        return await asyncio.to_thread(self._report, wanted, source, fixed, addresses)

    def _report(
        self,
        wanted: EdgeCriteria,
        source: Source,
        fixed: list[ClearItem],
        addresses: dict[str, list[str]],
    ) -> ClearReport:
        totals = count_clear(self._queries.history().askers(wanted), source)
        clients, left_out = client_items(totals)
        items = [
            *listener_items(totals, addresses),
            *clients,
            *upstream_items(totals, source.upstreams.values()),
        ]
        items.sort(key=lambda one: (-(one.queries or 0), one.id))
        traffic = totals.total.traffic(wanted.until - wanted.since)
        return ClearReport(
            since=moment(wanted.since),
            until=moment(wanted.until),
            queries=totals.total.queries,
            open=totals.open,
            turned_away=totals.turned_away,
            unknown=totals.total.unknown,
            encrypted_share=traffic.encrypted_share,
            authenticated_share=traffic.authenticated_share,
            reasons=totals.total.lock().reasons,
            items=[*items, *fixed],
            left_out=left_out,
        )

    def _settings(self) -> list[ClearItem]:
        config = self._control_plane.settings.written
        known = statuses(self._lists, self._control_plane.reconciler.in_force)
        database = self._database
        return [
            *api_items(config),
            *metrics_items(config),
            *(database_items(database.weakness, database.name) if database else ()),
            *list_items((one.name, source.url) for one in known for source in one.urls),
        ]

    def _addresses(self) -> dict[str, list[str]]:
        """Where all engines listen, by transport."""
        found: dict[str, list[str]] = defaultdict(list)
        for engine in self._control_plane.engines():
            for transport, places in engine.addresses.items():
                found[transport] += places
        return {transport: sorted(set(places)) for transport, places in found.items()}
