"""Counts of alike queries, which can be added."""

from collections import Counter

from keyhole.graph.model import Lock, OpenReason, Traffic, WaitTimes
from keyhole.graph.proof import Proof, open_text
from keyhole.querylog.history import EdgeRow
from keyhole.querylog.history.edge_queries import WAIT_STEPS

_MICROS = 1_000_000


class QueryCounts:
    """The counts of an edge or node."""

    def __init__(self) -> None:
        self.queries = self.encrypted = self.authenticated = self.waited = 0
        self.unprotected = self.unknown = 0
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.transports: Counter[str] = Counter()
        self.waits: Counter[int] = Counter()
        self.why: Counter[str] = Counter()
        self.how: Counter[str] = Counter()
        self.tls: Counter[str] = Counter()
        self.upstreams: Counter[str] = Counter()
        self.policies: Counter[str] = Counter()

    def add(self, row: EdgeRow, proof: Proof, queries: int) -> None:
        """Adds so many queries of a row."""
        self.queries += queries
        self.encrypted += queries if proof.is_encrypted else 0
        self.authenticated += queries if proof.is_authenticated else 0
        self.unprotected += queries if proof.why else 0
        self.unknown += 0 if proof.is_known else queries
        self.waited += row.waited
        self.outcomes[row.outcome] += queries
        self.reasons[row.reason] += queries
        self.transports[row.transport] += queries
        self.how[proof.how] += queries
        self.tls[proof.tls] += queries
        self.waits.update(row.waits)
        for word in proof.why:
            self.why[word] += queries
        if row.upstream is not None:
            self.upstreams[row.upstream] += queries
        if row.policy is not None:
            self.policies[row.policy] += queries

    def merge(self, other: "QueryCounts") -> None:
        """Adds all of another one."""
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)

    def traffic(self, span_us: int) -> Traffic:
        """The counts, in a time span of so many microseconds."""
        return Traffic(
            queries=self.queries,
            rate=round(self.queries * _MICROS / span_us, 3),
            by_outcome=ordered(self.outcomes),
            by_reason=ordered(self.reasons),
            by_transport=ordered(self.transports),
            errors=self.outcomes["failed"],
            blocked_share=self._share(self.outcomes["blocked"]),
            encrypted_share=self._known_share(self.encrypted),
            authenticated_share=self._known_share(self.authenticated),
            unprotected=self.unprotected,
            unknown=self.unknown,
            waited=self.waited,
            wait_us=_wait_times(self.waits),
        )

    def lock(self) -> Lock:
        """Closed if something is known and nothing says why it is open."""
        reasons = [
            OpenReason(reason=word, queries=count, text=open_text(word, count))
            for word, count in ordered(self.why).items()
        ]
        is_unknown = not reasons and 0 < self.queries == self.unknown
        return Lock(
            closed=not reasons and not is_unknown,
            state="open" if reasons else "unknown" if is_unknown else "closed",
            reasons=reasons,
        )

    def _known_share(self, part: int) -> float:
        """The share of those whose protection is known."""
        known = self.queries - self.unknown
        return part / known if known else 0.0

    def _share(self, part: int) -> float:
        return part / self.queries if self.queries else 0.0


def ordered(counts: Counter[str]) -> dict[str, int]:
    """The counts, the highest first."""
    pairs = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return {word: count for word, count in pairs if count}


def _wait_times(waits: Counter[int]) -> WaitTimes | None:
    if not waits:
        return None
    p50, p95, p99 = (_percentile(waits, share) for share in (0.5, 0.95, 0.99))
    return WaitTimes(p50=p50, p95=p95, p99=p99)


def _percentile(waits: Counter[int], share: float) -> int:
    """The time that this share of queries did not exceed (nearest rank)."""
    rank, seen = share * waits.total(), 0
    for key in sorted(waits):
        seen += waits[key]
        if seen >= rank:
            return round(2 ** (key / WAIT_STEPS))
    raise AssertionError("the counts add up to the total")
