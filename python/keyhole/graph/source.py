"""What the graph must know besides the queries: engines, upstreams and policies in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keyhole.model.snapshot import Snapshot
from keyhole.policy.client_names import ClientNames
from keyhole.querylog.history import EdgeCriteria, EdgeRow

EMPTY_POLICY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class EngineInfo:
    """An engine: what it is, where it listens, and as whom it asks upstreams."""

    name: str
    """``local``, a SPIFFE ID, or the name of a neighbor."""
    kind: str
    """``resolver``, ``forwarder``, or ``engine`` where that is not known."""
    label: str
    addresses: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()
    """The SPIFFE IDs that it shows to upstreams."""

    @property
    def node(self) -> str:
        """The ID of its node."""
        return f"engine:{self.name}"


@dataclass(frozen=True)
class UpstreamInfo:
    """An upstream of the documents in force."""

    name: str
    protocol: str
    addresses: frozenset[str]
    is_clear: bool = False
    """Whether nothing encrypts its queries, not even a mesh, as its document says."""

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS protects it. The server's certificate is always checked then: an upstream
        without a name or SPIFFE ID to check does not compile."""
        return self.protocol in ("doh", "dot")


def _nobody() -> ClientNames:
    return ClientNames(None)


def _not_known() -> None:
    return None


@dataclass(frozen=True)
class Source:
    """One history, and what the documents in force say about its queries."""

    read: Callable[[EdgeCriteria], list[EdgeRow]]
    engines: Mapping[str, EngineInfo]
    """By the name that queries keep of them."""
    upstreams: Mapping[str, UpstreamInfo] = field(default_factory=dict)
    credentials: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of each policy, by what its clients are known: certificate, token or network."""
    expired_policy: str | None = None
    """The policy for clients with an expired certificate."""
    names: Callable[[], ClientNames] = _nobody
    """The names of clients; not on the event loop, since they may take long."""
    has_plain_doh: bool = False
    """Whether an engine has a DoH listener without TLS."""
    first: Callable[[], int | None] = _not_known
    """The time of the first query that is known, in microseconds of Unix time; none where that is
    not known."""

    def engine_of(self, name: str | None) -> EngineInfo:
        """The engine that a query names; one of its own where that is not known."""
        if name is None and len(self.engines) == 1:
            return next(iter(self.engines.values()))
        known = self.engines.get(name or "")
        return known or EngineInfo(name or "unknown", "engine", name or "engine not known")


def upstreams_of(snapshot: Snapshot) -> dict[str, UpstreamInfo]:
    """The upstreams of a snapshot, by name."""
    return {
        one.name: UpstreamInfo(
            one.name, one.protocol, frozenset(one.addresses), is_clear=one.cleartext
        )
        for one in snapshot.upstreams
    }


def credentials_of(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    """By what the clients of each policy are known."""
    found: dict[str, set[str]] = {one.name: set() for one in snapshot.policies}
    subjects = snapshot.subjects
    pairs = [
        *(("certificate", one.policy) for one in subjects.identities),
        *(("certificate", one.policy) for one in subjects.below),
        *(("token", one.policy) for one in subjects.tokens),
        *(("network", one.policy) for one in subjects.networks),
        ("network", snapshot.default_policy),
        ("expired", subjects.expired),
    ]
    for word, policy in pairs:
        if policy is not None:
            found[snapshot.policies[policy].name].add(word)
    return {name: frozenset(words) for name, words in found.items()}


def expired_policy_of(snapshot: Snapshot) -> str | None:
    """The policy for clients with an expired certificate, if there is one."""
    index = snapshot.subjects.expired
    return None if index is None else snapshot.policies[index].name
