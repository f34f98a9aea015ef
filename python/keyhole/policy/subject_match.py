"""Which policy applies to a client, and which subject chose it: the lookup of the engine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from keyhole.model.address import read_address, read_network
from keyhole.model.snapshot import Snapshot, SnapshotPolicy
from keyhole.model.snapshot_identity import Identity, IdentityPrefix, SubjectNetwork, Token
from keyhole.policy.longest_prefix import NetworkTable, paths_above

DEFAULT = "default"
"""The subject of clients of no other policy."""
EXPIRED = "expired"
"""The subject of clients whose certificate has expired."""

Entry = Identity | IdentityPrefix | Token | SubjectNetwork


@dataclass(frozen=True)
class PolicyMatch:
    """The policy of a client. ``subject`` is written as in the policy; ``default`` for the policy
    without subjects. Without a policy every query of the client is refused."""

    policy: SnapshotPolicy | None
    subject: str | None
    client: str | None
    """The name of the Client document that names it, if any."""


class SubjectTables:
    """The subjects of one snapshot; the most specific one decides.

    It finds what ``crates/core/src/subjects`` finds, which decides on packets.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._policies = snapshot.policies
        self._default = snapshot.default_policy
        self._expired = snapshot.subjects.expired
        subjects = snapshot.subjects
        self._identities = {one.id: one for one in subjects.identities}
        self._below = {one.prefix: one for one in subjects.below}
        self._tokens = {one.name: one for one in subjects.tokens}
        self._networks = NetworkTable[SubjectNetwork]()
        for one in subjects.networks:
            self._networks.add(read_network(one.network), one)

    def policy(self, name: str) -> SnapshotPolicy | None:
        """The first policy of that name: with decisions about clients, it has copies."""
        return next((one for one in self._policies if one.name == name), None)

    def identity(self, id_: str) -> PolicyMatch:
        """The policy of a SPIFFE ID, whose certificate is valid."""
        return self._decide(list(self._of_identity(id_)))

    def expired(self, id_: str) -> PolicyMatch:
        """The policy of a SPIFFE ID whose certificate has expired."""
        own = self._identities.get(id_)
        policy = None if self._expired is None else self._policies[self._expired]
        return PolicyMatch(policy, EXPIRED if policy else None, own.client if own else None)

    def token(self, name: str) -> PolicyMatch | None:
        """The policy of a token; none if there is no such token."""
        found = self._tokens.get(name)
        return None if found is None else self._decide([found])

    def address(self, text: str) -> PolicyMatch:
        """The policy of an address or network, for a client without credentials."""
        return self._decide(list(self._of_address(text)))

    def _of_identity(self, id_: str) -> Iterator[Entry]:
        if (own := self._identities.get(id_)) is not None:
            yield own
        for path in paths_above(id_):
            if (above := self._below.get(path)) is not None:
                yield above

    def _of_address(self, text: str) -> Iterator[Entry]:
        network = read_network(_plain(text))
        yield from self._networks.covering(network)

    def _decide(self, entries: list[Entry]) -> PolicyMatch:
        """The first entry that chooses a policy does; one that only names the client does not."""
        named = (getattr(one, "client", None) for one in entries)
        client = next((name for name in named if name is not None), None)
        for one in entries:
            if one.policy is not None:
                return PolicyMatch(self._policies[one.policy], one.subject, client)
        if self._default is None:
            return PolicyMatch(None, None, client)
        return PolicyMatch(self._policies[self._default], DEFAULT, client)


def why(match: PolicyMatch, shown: str) -> str:
    """Why this policy applies, as a sentence; ``shown`` is the SPIFFE ID, token or address."""
    subject = match.subject
    if subject is None:
        return "no policy has it as a subject, and there is no policy without subjects: refused"
    sentence = next((say(subject) for test, say in _SENTENCES if test(subject)), None)
    if sentence is not None:
        return sentence
    name = subject.partition(":")[2]
    if subject == shown or name == shown:
        return f"the policy names {subject} itself"
    return f"it lies in {subject}, the smallest network that a policy names"


_SENTENCES: tuple[tuple[Callable[[str], bool], Callable[[str], str]], ...] = (
    (lambda one: one == DEFAULT, lambda _: "no subject matches it: the policy without subjects"),
    (lambda one: one == EXPIRED, lambda _: "its certificate has expired: the subject expired"),
    (
        lambda one: one.startswith("client:"),
        lambda one: f"the policy names {one}, and the Client document {one[7:]} names it",
    ),
    (
        lambda one: one.startswith("group:"),
        lambda one: f"the policy names {one}, and its Client document is in that group",
    ),
    (
        lambda one: one.endswith("/*"),
        lambda one: f"it lies below {one}, the longest path that a policy names",
    ),
)


def _plain(text: str) -> str:
    """An address in the form in which networks are compared: IPv4 in IPv6 form counts as IPv4."""
    if "/" in text:
        return text
    address = read_address(text.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)
