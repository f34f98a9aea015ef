"""The locks of a single query: whether it was protected on its way in, and on its way out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keyhole.graph.proof import TEXTS, UNPROVED, Proof, client_proof, upstream_proof
from keyhole.graph.source import Source, credentials_of, expired_policy_of, upstreams_of
from keyhole.model.snapshot import Snapshot
from keyhole.querylog.history import EdgeRow
from keyhole.querylog.history.edge_queries import NOT_ASKED
from keyhole.querylog.history.protection import ProofRules

_BY_TOKEN = frozenset({"token"})
_PROOFS = frozenset({"certificate", "token"})


@dataclass(frozen=True)
class QueryLock:
    """Closed if the query was encrypted and its other end authenticated; ``how`` is what proved who
    is there, ``reasons`` say why it is open, as words with their meaning."""

    how: str
    reasons: tuple[tuple[str, str], ...] = ()

    @property
    def is_closed(self) -> bool:
        """Whether nothing says why it is open."""
        return not self.reasons


class QueryLocks:
    """Tells the locks of queries by the documents in force."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        """Without a snapshot nothing is known of policies and upstreams."""
        known = (
            (upstreams_of(snapshot), credentials_of(snapshot), expired_policy_of(snapshot))
            if snapshot is not None
            else ({}, {}, None)
        )
        self._source = Source(lambda _: [], {}, *known)

    def incoming(self, fields: Mapping[str, Any]) -> QueryLock:
        """The lock between the client and the engine; ``fields`` are those of a line of the log."""
        return _lock(client_proof(_row(fields), self._source))

    def outgoing(self, fields: Mapping[str, Any]) -> QueryLock | None:
        """The lock between the engine and the upstream; none if the query was not sent on."""
        row = _row(fields)
        if row.upstream is None or row.reason in NOT_ASKED:
            return None
        if row.reason != "forwarded" and not row.waited:
            return None
        return _lock(upstream_proof(row, self._source.upstreams.get(row.upstream)))


def _row(fields: Mapping[str, Any]) -> EdgeRow:
    return EdgeRow(
        outcome=str(fields.get("outcome") or ""),
        reason=str(fields.get("reason") or ""),
        queries=1,
        transport=str(fields.get("transport") or ""),
        identity=fields.get("identity"),
        token=fields.get("token"),
        client=fields.get("client"),
        policy=fields.get("policy"),
        upstream=fields.get("upstream"),
        waited=int(int(fields.get("duration_us") or 0) > 0),
        tls=fields.get("tls"),
        upstream_tls=fields.get("upstream_tls"),
    )


def _lock(proof: Proof) -> QueryLock:
    texts = ((word, TEXTS.get(word, f"proved nothing: {word}")) for word in proof.why)
    return QueryLock(proof.how, tuple(texts))


def proof_rules(snapshot: Snapshot | None) -> ProofRules:
    """By what a search in the log tells how queries were protected: as their locks do."""
    unproved = tuple(sorted(UNPROVED))
    if snapshot is None:
        return ProofRules(unproved)
    proved = {
        name: words
        for name, words in credentials_of(snapshot).items()
        if words and words <= _PROOFS
    }
    return ProofRules(
        unproved,
        expired_policy_of(snapshot),
        by_certificate=tuple(name for name, words in proved.items() if words != _BY_TOKEN),
        by_token=tuple(name for name, words in proved.items() if words == _BY_TOKEN),
    )
