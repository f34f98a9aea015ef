"""Who asks whom as counters for an extension of Kiali.

Kiali draws the series ``kiali_ext_requests_total`` of an enabled extension into its graph. Of an
edge it keeps one lock, that of the first series it reads. So queries that are not protected come
from a node of their own, and no edge has both.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from keyhole.graph.clients import NodeInfo, client_node, engine_node, short
from keyhole.graph.collect import sent_upstream
from keyhole.graph.proof import Proof, client_proof, upstream_proof
from keyhole.graph.source import EngineInfo, Source
from keyhole.querylog.history import EdgeRow

MAX_CLIENTS = 150
"""Workloads and tokens that are told apart, until control ends; the others are summed up."""
STATUS_CODES = {
    "answered": "200",
    "blocked": "403",
    "refused": "401",
    "failed": "502",
    "dropped": "-",
}
"""The HTTP status that Kiali shows for an outcome; ``-`` is no response at all."""
_OTHERS = "other clients"
_UNPROTECTED = " (unprotected)"
_SUMMED_UP = {
    "address": "clients known by their network",
    "anonymous": "clients of anonymous policies",
    "claimed": "clients that proved nothing",
    "folded": _OTHERS,
}
"""Names of the nodes that stand for all clients of a kind: a page of metrics names nobody's
address, and strangers cannot make series."""
_NEVER_PROTECTED = ("address", "claimed")


class KialiSeries(NamedTuple):
    """What one series counts; ``flags`` is the reason of what was not answered."""

    source_namespace: str
    source_name: str
    dest_namespace: str
    dest_name: str
    secure: bool
    status_code: str
    flags: str


class KialiCounts:
    """Counts queries since control started."""

    def __init__(self, namespace: str) -> None:
        """``namespace`` is where engines, upstreams and clients without a namespace are drawn."""
        self._namespace = namespace
        self._clients: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._counts: Counter[KialiSeries] = Counter()

    @property
    def counts(self) -> Mapping[KialiSeries, int]:
        """All counts as they are now; none ever decreases."""
        with self._lock:
            return dict(self._counts)

    def add(self, rows: Iterable[EdgeRow], source: Source) -> None:
        """Counts rows of the kind ``client``, each once."""
        engines = {name: one for one in source.engines.values() for name in one.identities}
        with self._lock:
            for row in rows:
                self._add(row, source, engines)

    def _add(self, row: EdgeRow, source: Source, engines: Mapping[str, EngineInfo]) -> None:
        node = client_node(row, source, engines)
        engine = self._namespace, engine_node(source.engine_of(row.engine)).label
        proof = client_proof(row, source)
        self._count(self._client(node, proof), engine, proof, row, row.queries)
        if asked := sent_upstream(row):
            upstream = self._namespace, row.upstream or ""
            proof = upstream_proof(row, source.upstreams.get(row.upstream or ""))
            self._count(engine, upstream, proof, row, asked)

    def _count(
        self, start: tuple[str, str], end: tuple[str, str], proof: Proof, row: EdgeRow, queries: int
    ) -> None:
        flags = "" if row.outcome == "answered" else row.reason
        secure, status = proof.is_protected, STATUS_CODES.get(row.outcome, "-")
        self._counts[KialiSeries(*start, *end, secure, status, flags)] += queries

    def _client(self, node: NodeInfo, proof: Proof) -> tuple[str, str]:
        """Namespace and name of a client."""
        namespace, name = self._named(node)
        if proof.why and node.kind not in _NEVER_PROTECTED:
            name += _UNPROTECTED
        return namespace, name

    def _named(self, node: NodeInfo) -> tuple[str, str]:
        """The same for all of its queries, while there is room."""
        if (name := _SUMMED_UP.get(node.kind)) is not None:
            return self._namespace, name
        found = self._place(node)
        if found not in self._clients:
            if len(self._clients) >= MAX_CLIENTS:
                return self._namespace, _OTHERS
            self._clients.add(found)
        return found

    def _place(self, node: NodeInfo) -> tuple[str, str]:
        """A workload is drawn in its namespace, by the name of its service account."""
        if node.kind == "workload" and node.group.startswith("namespace:"):
            return node.group.removeprefix("namespace:"), short(node.name).rpartition("/")[2]
        # Without the name of a Client document: a series goes on when one comes.
        names = {"workload": short(node.name), "token": node.name}
        return self._namespace, names.get(node.kind, node.label)
