"""The graph of who asks whom, from the query history and the documents in force."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from time import time

import duckdb

from keyhole.control.control_plane import ControlPlane
from keyhole.control.engine_state import LOCAL
from keyhole.control.listeners import Listeners
from keyhole.control.query_history import QueryHistory
from keyhole.errors import KeyholeError
from keyhole.graph.live import change
from keyhole.graph.model import Graph, GraphChange
from keyhole.graph.query import draw
from keyhole.graph.source import (
    EngineInfo,
    Source,
    credentials_of,
    expired_policy_of,
    upstreams_of,
)
from keyhole.identity.certificate_and_key import read_certificates
from keyhole.identity.renewal import spiffe_id_of
from keyhole.policy.client_names import names_in
from keyhole.querylog.history import EdgeCriteria, EdgeRow

MAX_LISTENERS = 8
"""Clients that are told of changes at the same time: each costs a query of the history every few
seconds."""
_MICROS = 1_000_000


@dataclass(frozen=True)
class Neighbor:
    """Another Keyhole in this process, whose history belongs to the same picture."""

    name: str
    control_plane: ControlPlane
    queries: QueryHistory


class GraphService:
    """Draws the graph of one Keyhole and its neighbors."""

    def __init__(self, control_plane: ControlPlane, queries: QueryHistory) -> None:
        self._control_plane = control_plane
        self._queries = queries
        self._neighbors: list[Neighbor] = []
        self._listeners = Listeners(MAX_LISTENERS)

    def add_neighbor(self, neighbor: Neighbor) -> None:
        """Draws the engine of a neighbor, and what it asks, into each graph from now on."""
        self._neighbors.append(neighbor)

    async def draw(self, wanted: EdgeCriteria) -> Graph:
        """The graph of a time span. Raises ``OSError`` and ``duckdb.Error``."""
        # The state of the engines belongs to the event loop, the history to other threads.
        sources = [
            graph_source(LOCAL, self._control_plane, self._queries),
            *(graph_source(one.name, one.control_plane, one.queries) for one in self._neighbors),
        ]
        return await asyncio.to_thread(_draw, sources, wanted)

    async def source(self) -> Source:
        """What this Keyhole knows of the ends of its queries, without neighbors."""
        source = graph_source(LOCAL, self._control_plane, self._queries)
        return await asyncio.to_thread(_with_identities, *source)

    def listen(
        self, who: str, wanted: EdgeCriteria, window: int, pause: int
    ) -> AsyncIterator[Graph | GraphChange | None]:
        """Yields the graph of the last ``window`` seconds, and every ``pause`` seconds what has
        changed; none while the history cannot be read. Raises ``ControlError`` if there are too
        many listeners."""
        self._listeners.check(who)
        return self._changes(who, wanted, window, pause)

    async def _changes(
        self, who: str, wanted: EdgeCriteria, window: int, pause: int
    ) -> AsyncIterator[Graph | GraphChange | None]:
        before: Graph | None = None
        with self._listeners.place(who):
            while True:
                try:
                    now = await self.draw(_last(wanted, window))
                except (OSError, duckdb.Error):
                    yield None
                else:
                    yield now if before is None else change(before, now)
                    before = now
                await asyncio.sleep(pause)


def _last(wanted: EdgeCriteria, window: int) -> EdgeCriteria:
    until = int(time() * _MICROS)
    return replace(wanted, since=until - window * _MICROS, until=until)


Certificates = tuple[Path, ...]
"""Files with the certificates that an engine shows to upstreams."""


def graph_source(
    name: str, plane: ControlPlane, queries: QueryHistory
) -> tuple[Source, Certificates]:
    """What the graph must know of one Keyhole, and the certificates of its local engine. Call it on
    the event loop."""
    kind = plane.settings.resolved.options.role
    local = EngineInfo(name, kind, kind, _addresses(plane.addresses))
    engines = {LOCAL: local}
    elsewhere = plane.engines()
    has_plain_doh = any(
        addresses.get("doh_cleartext")
        for addresses in (plane.addresses, *(one.addresses for one in elsewhere))
    )
    for one in elsewhere:
        if one.name != LOCAL:
            label, listening = one.name.rpartition("/")[2], _addresses(one.addresses)
            engines[one.name] = EngineInfo(
                one.name, "engine", label, listening, frozenset({one.name})
            )

    def read(wanted: EdgeCriteria) -> list[EdgeRow]:
        return queries.history().edges(wanted)

    def first() -> int | None:
        return queries.history().first

    compiled = plane.reconciler.in_force
    if compiled is None:
        return Source(read, engines, has_plain_doh=has_plain_doh, first=first), ()
    snapshot = compiled.snapshot
    source = Source(
        read,
        engines,
        upstreams_of(snapshot),
        credentials_of(snapshot),
        expired_policy_of(snapshot),
        partial(names_in, snapshot, plane.learned_names),
        has_plain_doh,
        first,
    )
    return source, tuple(one.certificate for one in compiled.identities.values())


def _addresses(by_transport: dict[str, list[str]]) -> frozenset[str]:
    return frozenset(one for ones in by_transport.values() for one in ones)


def _draw(sources: list[tuple[Source, Certificates]], wanted: EdgeCriteria) -> Graph:
    return draw([_with_identities(*one) for one in sources], wanted)


def _with_identities(source: Source, certificates: Certificates) -> Source:
    """The source whose local engine is known by the certificates that it shows."""
    identities = frozenset(one for path in certificates if (one := _identity(path)))
    local = replace(source.engines[LOCAL], identities=identities)
    return replace(source, engines={**source.engines, LOCAL: local})


def _identity(path: Path) -> str | None:
    """The SPIFFE ID in a certificate file; none where there is none or it cannot be read."""
    with suppress(OSError):
        return _read_identity(path, path.stat().st_mtime_ns)
    return None


@lru_cache(maxsize=64)
def _read_identity(path: Path, _changed: int) -> str | None:
    with suppress(OSError, KeyholeError):
        return spiffe_id_of(read_certificates(path)[0])
    return None
